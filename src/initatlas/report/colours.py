"""The colours of figures, known without matplotlib to the page that shows them."""

# Okabe and Ito (2008), without their yellow, which is too light for lines on white. The order is ours: neighbours
# differ by at least 10 in CIE lightness, so that they stay apart in a grey print.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#1B1B1B", "#CC79A7")

INK = "#2B2D33"
