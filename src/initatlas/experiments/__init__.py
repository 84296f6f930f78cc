"""One module per experiment: the glue between the mathematics and a sweep."""
