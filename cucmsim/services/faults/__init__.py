"""Chosen misbehaviour as data: `kinds` says what there is, `plan` decides where it happens."""
