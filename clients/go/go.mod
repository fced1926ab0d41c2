module github.com/OWNER/iluma-sandbox/clients/go

go 1.24
