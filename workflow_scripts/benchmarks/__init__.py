"""Commands that measure speed. No result depends on them."""
