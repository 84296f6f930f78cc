"""Networks of infinite width as estimators with scikit-learn's interface."""
