"""What describes a release: table schemas, dictionaries, data package, catalogues. All of it is
written from the contracts and the files; nothing here is said a second time by hand."""
