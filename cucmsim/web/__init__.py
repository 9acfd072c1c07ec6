"""The pages behind the web server of a node (webd, TLS 8443)."""
