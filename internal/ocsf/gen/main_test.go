package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// The file in the tree is what this command makes of the schema.
func TestTheSchemaInTheTreeIsMadeHere(t *testing.T) {
	const schema = "../../../../shared/data/ocsf/schema.json.zst"
	if _, err := os.Stat(schema); err != nil {
		t.Skip("no data pack beside the project: ", schema)
	}
	var made bytes.Buffer
	if err := run([]string{schema}, &made); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../schema.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(open(t, made.Bytes()), open(t, kept)) {
		t.Error("internal/ocsf/schema.json.gz is out of date: run the command in this package's comment")
	}
}

func open(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMistakesAreSaid(t *testing.T) {
	if err := run(nil, io.Discard); err == nil {
		t.Error("no path is taken")
	}
	if _, err := extract([]byte(`{"version":"1.1.0"}`)); err == nil {
		t.Error("another version is taken")
	}
}
