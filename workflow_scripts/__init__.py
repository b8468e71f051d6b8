"""One thin command a rule, with the rule's name: arguments -> one library call -> manifest."""

# It pins what libraries calculate with, which must come before a command imports one of them.
import dheads_model  # noqa: F401
