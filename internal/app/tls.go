package app

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
)

// TLSConfig is what the API is served over TLS with; both or none.
type TLSConfig struct {
	Certificate string `yaml:"certificate"` // PEM file, with the chain
	Key         string `yaml:"key"`         // PEM file
	keys        *tls.Config
	pair        *pair
}

// read loads the pair. TLS 1.2 is the least that is spoken.
func (t *TLSConfig) read() error {
	if t.Certificate == "" && t.Key == "" {
		return nil
	}
	t.pair = &pair{certificate: t.Certificate, key: t.Key}
	if _, err := t.pair.now(); err != nil {
		return fmt.Errorf("tls: give certificate and key as PEM files: %w", err)
	}
	t.keys = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return t.pair.now() }, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	return nil
}

// own is how a command of this machine asks the server that runs on the same configuration: it trusts the very certificate, under any name.
func (t *TLSConfig) own() *tls.Config {
	if t.keys == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error { //nolint:gosec // it is compared whole
		held, err := t.pair.now()
		if err != nil {
			return err
		}
		if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, held.Certificate[0]) {
			return errors.New("another certificate than that of tocsin.yaml")
		}
		return nil
	}}
}

// pair is a certificate with its key, as the files have them: it looks at them with each connection, so that one that is renewed is taken
// without a restart. While the two do not fit, as in the middle of their replacement, the pair of before is held.
type pair struct {
	certificate, key string
	failed           func(error) // is told once of each pair that does not load; nil for nobody

	mu    sync.Mutex
	held  *tls.Certificate
	as    [2]stamp // the files that were looked at last
	wrong error    // of them
}

type stamp struct{ size, nanos int64 }

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime().UnixNano()}, nil
}

// now is the pair of now. The error is that of files which never loaded.
func (p *pair) now() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	certificate, err := stampOf(p.certificate)
	key, err2 := stampOf(p.key)
	if as := [2]stamp{certificate, key}; p.held == nil || as != p.as {
		p.as = as
		loaded, err3 := tls.LoadX509KeyPair(p.certificate, p.key)
		if p.wrong = errors.Join(err, err2, err3); p.wrong == nil {
			p.held = &loaded
		} else if p.failed != nil && p.held != nil {
			p.failed(p.wrong)
		}
	}
	if p.held == nil {
		return nil, p.wrong
	}
	return p.held, nil
}
