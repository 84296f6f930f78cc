"""Figures of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

from initatlas.studies.tsuchida2018.kernel_figures import cor3_4, cor8, cor9, fig2, fig4a, fig4b, fig4c, fig4d
from initatlas.studies.tsuchida2018.norm_figures import cor10, extensions, fig5
from initatlas.studies.tsuchida2018.ode_figures import fig3
from initatlas.studies.tsuchida2018.universality_figures import fig6, thm6

__all__ = [
    "cor3_4", "cor8", "cor9", "cor10", "extensions", "fig2", "fig3", "fig4a", "fig4b", "fig4c", "fig4d", "fig5", "fig6", "thm6",
]  # fmt: skip
