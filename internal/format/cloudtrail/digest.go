package cloudtrail

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// Digest is a digest file: CloudTrail's list of the log files of an hour, with their hashes
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html).
type Digest struct {
	Account     string    `json:"awsAccountId"`
	Start       time.Time `json:"digestStartTime"`
	EndText     string    `json:"digestEndTime"` // as written: it is signed
	Bucket      string    `json:"digestS3Bucket"`
	Object      string    `json:"digestS3Object"`
	Fingerprint string    `json:"digestPublicKeyFingerprint"`
	Algorithm   string    `json:"digestSignatureAlgorithm"`

	PreviousBucket    string `json:"previousDigestS3Bucket"` // "" where the chain begins
	PreviousObject    string `json:"previousDigestS3Object"`
	PreviousHash      string `json:"previousDigestHashValue"`
	PreviousSignature string `json:"previousDigestSignature"`

	LogFiles []struct {
		Bucket    string `json:"s3Bucket"`
		Object    string `json:"s3Object"`
		Hash      string `json:"hashValue"` // of the unpacked file
		Algorithm string `json:"hashAlgorithm"`
	} `json:"logFiles"`

	content [sha256.Size]byte
}

// MaxDigest bounds a digest file, unpacked. An hour of 40,000 log files is 20 MiB.
const MaxDigest = 64 << 20

// IsDigest reports whether a stream that begins so is a digest file.
func IsDigest(head []byte) bool {
	return bytes.Contains(head, []byte(`"digestS3Object"`)) && bytes.Contains(head, []byte(`"digestStartTime"`)) && !bytes.Contains(head, []byte(`"eventSource"`))
}

// ParseDigest reads a digest file, unpacked.
func ParseDigest(raw []byte) (*Digest, error) {
	d := &Digest{content: sha256.Sum256(raw)}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("digest file: %w", err)
	}
	if d.Object == "" || d.EndText == "" {
		return nil, errors.New("digest file: it does not name itself and its end")
	}
	return d, nil
}

// Content is the SHA-256 of the file, unpacked, as the next digest names it.
func (d *Digest) Content() string { return hex.EncodeToString(d.content[:]) }

var digestTime = regexp.MustCompile(`\d{8}T\d{6}Z[^/]*$|/\d{4}/\d{2}/\d{2}/`)

// Chain names the row of digests that a digest's object key is one of.
func Chain(object string) string { return digestTime.ReplaceAllString(object, "/") }

// Place is the Region whose logs a digest lists, and the trail's name, out of the digest's own
// (ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_TIME.json.gz); empty where it is named otherwise.
func (d *Digest) Place() (region, trail string) {
	parts := strings.Split(path.Base(d.Object), "_")
	if len(parts) < 6 || parts[1] != "CloudTrail-Digest" {
		return "", ""
	}
	return parts[2], strings.Join(parts[3:len(parts)-2], "_")
}

// End is the end of what a digest covers; zero where it is no time.
func (d *Digest) End() time.Time {
	at, err := time.Parse(time.RFC3339, d.EndText)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Verify checks the signature of a digest, in hexadecimal digits. What is signed is the end, the place, the hash and the signature of the
// digest before it, a line each; RSA PKCS #1 v1.5 over SHA-256
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html).
func (d *Digest) Verify(key *rsa.PublicKey, signature string) error {
	if d.Algorithm != "SHA256withRSA" {
		return fmt.Errorf("it is signed by %q, not SHA256withRSA", d.Algorithm)
	}
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("its signature is not hexadecimal: %w", err)
	}
	sum := sha256.Sum256([]byte(d.Signed()))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw); err != nil {
		return errors.New("its signature is not that of the Region's key")
	}
	return nil
}

// Signed is the text that is signed.
func (d *Digest) Signed() string {
	before := d.PreviousSignature
	if before == "" {
		before = "null"
	}
	return d.EndText + "\n" + d.Bucket + "/" + d.Object + "\n" + d.Content() + "\n" + before
}

// PublicKeys are the Regions' keys by fingerprint.
type PublicKeys map[string]*rsa.PublicKey

// ParsePublicKeys reads what `aws cloudtrail list-public-keys` prints, once or several times in a row (for several Regions).
func ParsePublicKeys(raw []byte) (PublicKeys, error) {
	keys := PublicKeys{}
	for in := json.NewDecoder(bytes.NewReader(raw)); in.More(); {
		var list struct {
			PublicKeyList []struct{ Value, Fingerprint string }
		}
		if err := in.Decode(&list); err != nil {
			return nil, fmt.Errorf("public keys: %w", err)
		}
		for _, k := range list.PublicKeyList {
			der, err := base64.StdEncoding.DecodeString(k.Value)
			if err != nil {
				return nil, fmt.Errorf("public key %s: %w", k.Fingerprint, err)
			}
			key, err := x509.ParsePKCS1PublicKey(der)
			if err != nil {
				return nil, fmt.Errorf("public key %s: %w", k.Fingerprint, err)
			}
			keys[k.Fingerprint] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("public keys: there are none; write them with: aws cloudtrail list-public-keys --region REGION")
	}
	return keys, nil
}
