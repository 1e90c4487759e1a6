package zkserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// controlName is the socket in the data directory by which programs of the
// same user on this machine speak to the running server: whoever may write to
// the directory may do anything to the server anyway.
const controlName = "CONTROL"

// maxBackups is how many backups are read from the server at a time.
const maxBackups = 2

// serveControl answers on the control socket until ctx ends, if there is to be
// one.
//
//	GET /backup   a backup, see doc.go
func (s *Server) serveControl(ctx context.Context) error {
	if !s.cfg.Control {
		return nil
	}
	l, err := listenControl(s.cfg.Dir)
	if err != nil {
		// The service does not depend on it.
		s.log.Warn().Err(err).Msg("no control socket: backups only when stopped")
		return nil
	}
	slots := make(chan struct{}, maxBackups)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /backup", func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			http.Error(w, fmt.Sprintf("%d backups are being read already", maxBackups), http.StatusTooManyRequests)
			return
		}
		err := s.Backup(r.Context(), w)
		if errors.Is(err, ErrNoQuorum) { // of which nothing is written
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if err != nil {
			s.log.Warn().Err(err).Msg("backup broken off")
			panic(http.ErrAbortHandler) // the reader must not take what came for all
		}
	})
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          httpErrors(inBursts(s.cfg.Log)),
	}
	defer os.Remove(filepath.Join(s.cfg.Dir, controlName))
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(bound(l, maxControlConns)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listenControl takes the socket over from a server that was killed: the
// directory is locked, so nobody else is behind it. The socket is made in a
// directory that is this user's alone, and comes out with its permissions: at its
// name there is never one that others could connect to.
func listenControl(dir string) (net.Listener, error) {
	temp := filepath.Join(dir, controlName+".new")
	if err := os.RemoveAll(temp); err != nil {
		return nil, err
	}
	if err := os.Mkdir(temp, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	path, done, err := controlPath(temp)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // the path is good only now
	err = os.Chmod(filepath.Join(temp, controlName), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(temp, controlName), filepath.Join(dir, controlName))
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// controlPath gives a name for the socket in a directory that is short enough for
// a socket's address, however long the directory's is. It is good until done is
// called.
func controlPath(dir string) (path string, done func() error, err error) {
	path = filepath.Join(dir, controlName)
	if len(path) < 100 || runtime.GOOS != "linux" {
		return path, func() error { return nil }, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return filepath.Join("/proc/self/fd", strconv.Itoa(int(d.Fd())), controlName), d.Close, nil
}

// ErrNoControl says that no server runs on a data directory, or none that this
// user may speak to.
var ErrNoControl = errors.New("zkserver: no server answers in the data directory")

// BackupRunning writes a backup of the server that runs on a data directory, as
// [Server.Backup] does.
func BackupRunning(ctx context.Context, dir string, w io.Writer) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		path, done, err := controlPath(dir)
		if err != nil {
			return nil, err
		}
		defer done()
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://control/backup", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoControl, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("zkserver: backup: %w", ErrNoQuorum)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		return fmt.Errorf("zkserver: backup: %s: %s", resp.Status, text)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("zkserver: backup: %w", err)
	}
	return nil
}
