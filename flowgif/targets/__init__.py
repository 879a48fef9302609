"""What is fitted: one Gaussian mixture, from a picture or a data set."""
