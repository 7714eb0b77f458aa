package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// certify writes a certificate of its own for a serial number, with its key, as PEM files.
func certify(t *testing.T, certificate, key string, serial int64) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, x, x, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: cert}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(serial) * time.Second) // a disk's clock may tick slower than a test writes
		if err := errors.Join(os.Chtimes(path+".new", at, at), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhoListensWiderSpeaksTLS looks at each address that may be listened on without a certificate, and those that may not.
func TestWhoListensWiderSpeaksTLS(t *testing.T) {
	t.Parallel()
	for address, free := range map[string]bool{
		"127.0.0.1:0": true, "127.9.9.9:1": true, "[::1]:0": true, "localhost:8420": true, "0.0.0.0:8420": false, "[::]:8420": false, ":8420": false, "192.0.2.7:8420": false, "soc.example.com:443": false, "localhost.example.com:1": false, "[::ffff:192.0.2.7]:1": false,
	} {
		c := &Config{Data: t.TempDir(), Listen: address}
		if err := c.complete(); (err == nil) != free {
			t.Errorf("%s without tls: %v", address, err)
		} else if err != nil && !strings.Contains(err.Error(), "tls.certificate") {
			t.Errorf("%s: it does not say what to do: %v", address, err)
		}
	}
	for _, half := range []TLSConfig{{Certificate: "c.pem"}, {Key: "k.pem"}} {
		if err := (&Config{Data: t.TempDir(), Listen: "0.0.0.0:1", TLS: half}).complete(); err == nil {
			t.Errorf("%+v is taken for a pair", half)
		}
	}
}

// TestServeSpeaksTLS serves over TLS: an old version is refused, who speaks plain gets a sentence, answers and the cookie say that it is
// secure, and a certificate that is replaced is served without a restart; one that does not fit its key is not, and nobody is cut off.
func TestServeSpeaksTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &Config{Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", TLS: TLSConfig{Certificate: filepath.Join(dir, "c.pem"), Key: filepath.Join(dir, "k.pem")}}
	certify(t, c.TLS.Certificate, c.TLS.Key, 1)
	if err := c.complete(); err != nil {
		t.Fatal(err)
	}
	var log said
	h, err := openHouse(t.Context(), &ServeOptions{Config: c, Version: "test", Child: []string{"false"}}, Streams{Out: io.Discard, Err: &log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, h.close()); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "the one of before is served") {
			t.Errorf("the log does not say that a certificate does not load: %s", log.String())
		}
	})
	address := h.listener.Addr().String()
	resp, err := http.Get("http://" + address + "/api/v1/setup") //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "HTTPS") {
		t.Errorf("who speaks plain hears %d %s", resp.StatusCode, text)
	}
	_, err = tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) //nolint:gosec // it is to fail
	if err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if n := serial(t, address); n != 1 {
		t.Errorf("the certificate is %d", n)
	}
	secureSession(t, h, address)

	certify(t, c.TLS.Certificate, c.TLS.Key, 2)
	if n := serial(t, address); n != 2 {
		t.Errorf("after it was replaced, the certificate is %d", n)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c.TLS.own()}} // a command of this machine goes along
	resp, err = client.Get("https://" + address + "/healthz")                        //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	certify(t, c.TLS.Certificate, filepath.Join(dir, "elsewhere.pem"), 3)
	if n := serial(t, address); n != 2 {
		t.Errorf("while key and certificate do not fit, the certificate is %d", n)
	}
	certify(t, c.TLS.Certificate, c.TLS.Key, 4)
	if n := serial(t, address); n != 4 {
		t.Errorf("after both are there, the certificate is %d", n)
	}
}

// said is what a server said, by several goroutines.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// serial is the number of the certificate that is served now.
func serial(t *testing.T, address string) int64 {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its number is looked at
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // a test's
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// secureSession makes the first account, and looks at the head of the answer.
func secureSession(t *testing.T, h *house, address string) {
	t.Helper()
	secret, err := h.people.SetUp(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"secret": secret, "name": "ann", "password": "a long enough sentence for ann"})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: h.o.Config.TLS.own(), DisableKeepAlives: true}}
	resp, err := client.Post("https://"+address+"/api/v1/invitations/accept", "application/json", bytes.NewReader(body)) //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		t.Fatal(resp.StatusCode, resp.Cookies())
	}
	if k := resp.Cookies()[0]; !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %s", k)
	}
	if hsts := resp.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(hsts, "max-age=") {
		t.Errorf("Strict-Transport-Security is %q", hsts)
	}
}
