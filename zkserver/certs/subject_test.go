package certs

import (
	"encoding/hex"
	"testing"
)

// TestSubjectNamesAreThoseOfJava has what X500Principal.getName says of the same
// bytes (OpenJDK 17).
func TestSubjectNamesAreThoseOfJava(t *testing.T) {
	tests := []struct{ want, der string }{
		{`CN=ann,OU=ops,O=Example\, Inc.,C=DE`, "3041310b300906035504061302444531163014060355040a130d4578616d706c652c20496e632e310c300a060355040b13036f7073310c300a06035504031303616e6e"},
		{`1.2.840.113549.1.9.1=#16056140622e63,CN=x`, "3022310a300806035504031301783114301206092a864886f70d01090116056140622e63"},
		{`2.5.4.5=#13023132,CN=y`, "3019310a30080603550403130179310b3009060355040513023132"},
		{`DC=org,DC=ex,UID=u`, "303c3111300f060a0992268993f22c64010113017531123010060a0992268993f22c6401191602657831133011060a0992268993f22c64011916036f7267"},
		{`CN=a+OU=b,O=z`, "3022310a3008060355040a13017a3114300806035504031301613008060355040b130162"},
		{`CN=a\=b\;c\<d\>\"e\\`, "30163114301206035504030c0b613d623b633c643e22655c"},
		{`CN=ü\#ö`, "3010310e300c06035504030c05c3bc23c3b6"},
		{`CN=`, "300b3109300706035504031300"},
		{`CN=\ \ a b\ \ `, "30123110300e06035504030c0720206120622020"},
	}
	for _, tt := range tests {
		der, err := hex.DecodeString(tt.der)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Subject(der); err != nil || got != tt.want {
			t.Errorf("subject = %s, %v; want %s", got, err, tt.want)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add([]byte("0\x221\n0\x08\x06\x03U\x04\n\x13\x01z1\x140\x08\x06\x03U\x04\x03\x13\x01a0\x08\x06\x03U\x04\x0b\x13\x01b"))
	f.Fuzz(func(t *testing.T, der []byte) { Subject(der) })
}
