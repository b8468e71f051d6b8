"""Tables, figures and the data card."""
