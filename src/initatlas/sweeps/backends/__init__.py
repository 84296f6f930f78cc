"""Where batches run: in this process, or on Ray. All backends give the same bits."""
