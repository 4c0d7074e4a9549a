package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// serverName is what a backend's certificate is for.
const serverName = "localhost"

// identity is a host's certificate, made as go-plugin makes it for AutoMTLS: signed by
// itself, for the curve P-521.
type identity struct {
	tls tls.Certificate
	pem string
}

func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("the host's key: %w", err)
	}
	sn, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("the host's certificate: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: serverName, Organization: []string{"HashiCorp"}},
		DNSNames:              []string{serverName},
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		SerialNumber:          sn,
		NotBefore:             time.Now().Add(-30 * time.Second),
		NotAfter:              time.Now().Add(262980 * time.Hour),
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("the host's certificate: %w", err)
	}
	return &identity{
		tls: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	}, nil
}

// config returns what a host connects with to a backend whose handshake has the
// certificate.
func (id *identity) config(cert string) (*tls.Config, error) {
	der, err := base64.RawStdEncoding.DecodeString(cert)
	if err != nil {
		return nil, fmt.Errorf("the certificate in the handshake is not standard base64 without padding: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate in the handshake is not DER: %w", err)
	}
	if err := c.VerifyHostname(serverName); err != nil {
		return nil, errors.New("the certificate in the handshake is not for the name localhost")
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return &tls.Config{
		Certificates: []tls.Certificate{id.tls}, RootCAs: pool, ServerName: serverName, MinVersion: tls.VersionTLS12,
	}, nil
}
