package zoocfg

import (
	"strings"
	"testing"
)

// Whatever a file has, it is taken or refused with the place named, and each
// line has at most two warnings: one for the key, one for being there twice.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("server.1=a:1:2:observer;[::1]:3\ngroup.1=1:2\nweight.1=0")
	f.Add("4lw.commands.whitelist=a,\\\n b\nssl.enabledProtocols=TLSv1.3,TLSv1.2")
	f.Add("\ufeffa\\u0020b : c\\\\\r\n!x\r#y\n= z")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("zoo.cfg", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "zoo.cfg:") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		lines := 1 + strings.Count(text, "\n") + strings.Count(text, "\r")
		if len(c.Warnings) > 2*lines {
			t.Errorf("%d warnings for %d lines", len(c.Warnings), lines)
		}
		for _, w := range c.Warnings {
			if w.Line < 1 || w.Line > lines {
				t.Errorf("%v is of no line", w)
			}
		}
		c.Check("zoo.cfg")
		c.ParseServers("zoo.cfg.dynamic", []byte(text))
		ParseID("myid", []byte(text))
	})
}
