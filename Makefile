# Developer tools are pinned in tools/*/go.mod and built into .bin.

.PHONY: generate
generate: .bin/proto.stamp ## Regenerate committed code from proto/ and go:generate lines.
	.bin/buf lint
	.bin/buf generate
	go generate ./...

.bin/proto.stamp: tools/proto/go.mod tools/proto/go.sum
	mkdir -p .bin
	GOWORK=off go build -C tools/proto -o ../../.bin/ tool
	touch $@
