"""One thin command a rule, with the rule's name: arguments -> one library call -> manifest."""
