"""`run sql`: statements over CUCM's tables, answered as its Informix does."""
