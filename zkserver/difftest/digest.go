package difftest

import (
	"crypto/sha1"
	"encoding/base64"
)

// digest returns what follows the colon in the digest identity of "user:password".
func digest(userPassword string) string {
	sum := sha1.Sum([]byte(userPassword))
	return base64.StdEncoding.EncodeToString(sum[:])
}
