"""`embedlab smoke`: from sign-in to a ROC curve over HTTP, believing nothing."""
