"""Makes the tables and the plot of the documents from the results."""
