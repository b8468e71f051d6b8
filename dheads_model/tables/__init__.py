"""Tables, figures and what stands beside them."""
