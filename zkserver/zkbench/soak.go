package zkbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// SoakConfig says how to soak a server. The zero value of a field means its
// default.
type SoakConfig struct {
	// Program is the mw to run as "mw server". Must be set without Servers.
	Program string

	// Servers are soaked in place of one of its own, each as "host:port". Then
	// nothing is known of memory and files. What the soak makes there is below
	// /soak-<pid>, and is removed at its end.
	Servers []string

	// Time is how long, Every how often there is a sample. Default: 1h; 1m.
	Time, Every time.Duration

	// Rate is how many requests there are a second, from Conns connections. A
	// request that is due when the one before it is not answered waits, and its
	// time runs. Default: 2000; 32.
	Rate, Conns int

	// Dir takes the server's data. Default: a temporary directory, which is
	// removed.
	Dir string
}

func (c SoakConfig) withDefaults() (SoakConfig, error) {
	c.Time = cmp.Or(c.Time, time.Hour)
	c.Every = cmp.Or(c.Every, time.Minute)
	c.Rate = cmp.Or(c.Rate, 2000)
	c.Conns = cmp.Or(c.Conns, 32)
	switch {
	case c.Program == "" && len(c.Servers) == 0:
		return c, errors.New("zkbench: no program and no servers to soak")
	case c.Time < 0 || c.Every < 0 || c.Rate < 0 || c.Conns < 0:
		return c, errors.New("zkbench: nothing of a soak may be negative")
	}
	return c, nil
}

// A Sample is what happened since the one before.
type Sample struct {
	At        time.Duration `json:"at"` // since the beginning
	PerSecond float64       `json:"per_second"`
	P50       time.Duration `json:"p50"`
	P99       time.Duration `json:"p99"`
	Events    int64         `json:"events"`   // of watches
	Sessions  int64         `json:"sessions"` // begun

	// Of the server, at the end of the time; 0 when it is not ours.
	Resident  int64 `json:"resident"` // bytes
	OpenFiles int   `json:"open_files"`
	DataBytes int64 `json:"data_bytes"`
	DataFiles int   `json:"data_files"`
}

// Soak runs a mixed load at a fixed rate and tells each sample. What the load
// makes it removes, so that the tree's size stays as it is. The error is that of
// a request, or of the server.
func Soak(ctx context.Context, cfg SoakConfig, tell func(Sample)) ([]Sample, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	var own *server
	if len(cfg.Servers) == 0 {
		own, err = startServer(ctx, soaked, Config{Program: cfg.Program, Dir: cfg.Dir})
		if err != nil {
			return nil, fmt.Errorf("zkbench: %w", err)
		}
		defer own.remove()
		cfg.Servers = []string{own.addr()}
	}
	l, err := openSoak(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("zkbench: soak: %w", err)
	}
	defer l.close()
	var samples []Sample
	g, running := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(running)
	defer stop()
	g.Go(func() error { return l.run(running) })
	g.Go(func() error {
		defer stop()
		var err error
		samples, err = l.watch(running, own, tell)
		return err
	})
	if err := g.Wait(); err != nil {
		return samples, fmt.Errorf("zkbench: soak: %w", err)
	}
	return samples, nil
}

// soaked is our server with a log that is short, so that the coming and going of
// its files is seen many times in an hour.
var soaked = kind{"mw", func(s *server) *exec.Cmd {
	text := fmt.Sprintf("dataDir=%s\nclientPort=%s\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\ntickTime=500\n"+
		"preAllocSize=4096\nsnapSizeLimitInKb=32768\n", filepath.Join(s.dir, "data"), s.port)
	file := filepath.Join(s.dir, "zoo.cfg")
	_ = os.WriteFile(file, []byte(text), 0o600) // the server says what is wrong
	return exec.Command(s.cfg.Program, "server", "--config", file, "--log-level", "warn")
}}

// watch takes samples until the time is over.
func (l *soak) watch(ctx context.Context, own *server, tell func(Sample)) (samples []Sample, err error) {
	began, last := time.Now(), time.Now()
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	for time.Since(began) < l.cfg.Time {
		select {
		case <-ctx.Done():
			return samples, nil // run, or the caller, says why
		case <-tick.C:
		}
		s := l.sample(time.Since(last))
		last = time.Now()
		s.At = last.Sub(began)
		if own != nil {
			if err := own.look(&s); err != nil {
				return samples, err
			}
		}
		samples = append(samples, s)
		tell(s)
	}
	return samples, nil
}

// look fills in what is known of a server of our own.
func (s *server) look(sample *Sample) error {
	u, err := s.usage()
	if err != nil {
		return err
	}
	if u.resident == 0 {
		return errors.New("the server has ended")
	}
	sample.Resident = u.resident
	if runtime.GOOS == "linux" {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
		if err != nil {
			return err
		}
		sample.OpenFiles = len(open)
	}
	return filepath.WalkDir(filepath.Join(s.dir, "data"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreGone(err)
		}
		sample.DataFiles++
		sample.DataBytes += info.Size()
		return nil
	})
}

// ignoreGone leaves out files that are removed while they are counted.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
