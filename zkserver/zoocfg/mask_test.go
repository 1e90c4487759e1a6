package zoocfg

import (
	"strings"
	"testing"
)

func TestMaskHidesSecretsHoweverTheyAreWritten(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"equals", "a=1\nsuperDigest=super:hush\nb=2\n", "a=1\nsuperDigest=*****\nb=2\n"},
		{"colon", "zookeeper.superDigest:super:hush", "zookeeper.superDigest=*****"},
		{"blank", "  ssl.keyStore.password hush", "ssl.keyStore.password=*****"},
		{"continued", "superDigest=\\\n  super:\\\r\n  hush\r\nb=2", "superDigest=*****\nb=2"},
		{"continued key", "super\\\n  Digest=hush", "superDigest=*****"},
		{"continued to the end", "superDigest=hush\\", "superDigest=*****"},
		{"escaped", "super\\u0044igest=hush\n\\ssl.keyStore.p\\assword:hush", "superDigest=*****\nssl.keyStore.password=*****"},
		{"commented out", "# superDigest=super:hush\n! ssl.trustStore.passwordPath: hush", "#superDigest=*****\n#ssl.trustStore.passwordPath=*****"},
		{"others", "\n# the password is elsewhere\n\na : 1\\\n 2\nb\n", "\n# the password is elsewhere\n\na : 1\\\n 2\nb\n"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		if got := Mask(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What a masked file has of secrets is stars, and the rest is as it was.
func FuzzMask(f *testing.F) {
	f.Add(sample)
	f.Add("superDigest \\\n super:hush\n#a\\\nb=c\\")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\\") {
			// A key may have any sign escaped, and is shown as it reads.
			Mask(text)
			return
		}
		was, is := properties(text), properties(Mask(text))
		if len(was) != len(is) {
			t.Fatalf("%d properties became %d", len(was), len(is))
		}
		for i := range was {
			want := was[i].value
			if isSecret(was[i].key) {
				want = stars
			}
			if is[i].key != was[i].key || is[i].value != want {
				t.Errorf("%v became %v", was[i], is[i])
			}
		}
	})
}
