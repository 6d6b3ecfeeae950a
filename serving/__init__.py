"""The served side: the model repository, the server, its client, the gallery and the manifests."""
