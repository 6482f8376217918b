package githost

import (
	"context"
	"errors"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// webhook looks at the repository when a host says that something was pushed, and
// answers with what became of it. Hosts show that answer to people, and send the
// same again when asked to: a look too many changes nothing.
func (a *Adapter) webhook(w http.ResponseWriter, r *http.Request) error {
	host, known := hosts[r.PathValue("host")]
	f, err := a.follower()
	if !known || err != nil || a.Secret == "" {
		if known && err == nil {
			a.Log.Warn("a webhook was turned away, since this server shares no secret with the host",
				"fix", "set SLUICE_GIT_WEBHOOK_SECRET or the file of the secret, and enter the same at the host")
		}
		return sluice.Errorf(sluice.NotFound, "this server takes no such webhooks").Fix("the server's log says what it lacks; hosts are github, gitlab and gitea")
	}
	ref, err := a.signed(w, r, host)
	if err != nil {
		return err
	}
	switch event := r.Header.Get(host.event); {
	case event == "ping":
		return answer(w, http.StatusOK, map[string]string{"message": "this server looks at the repository when something is pushed"})
	case !host.pushes[event]:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.Wait)
	defer cancel()
	results, done, err := f.Look(ctx, ref)
	if !done {
		return answer(w, http.StatusAccepted, map[string]string{"message": "the look at the repository goes on; GET " + statusPath + " tells how it went"})
	}
	if err != nil {
		return err
	}
	if results == nil {
		results = []sluice.GitResult{}
	}
	return answer(w, http.StatusOK, results)
}

// signed reads the body and refuses it unless the host signed it. It returns the ref
// that the body names, "" when it names none.
func (a *Adapter) signed(w http.ResponseWriter, r *http.Request, host host) (ref string, err error) {
	if r.ContentLength > maxBody {
		return "", tooLarge()
	}
	b, err := read(http.MaxBytesReader(w, r.Body, maxBody), a.Secret)
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return "", tooLarge()
	}
	if err != nil {
		return "", sluice.Errorf(sluice.Invalid, "the body of the webhook did not arrive whole").Because(err)
	}
	if !host.signed(r.Header, b.mac, a.Secret) {
		return "", sluice.Errorf(sluice.Denied, "the webhook is not signed with the secret that this server shares with the host").
			Fix("enter the same secret at the host as in SLUICE_GIT_WEBHOOK_SECRET here")
	}
	return b.ref(), nil
}

func tooLarge() error {
	return sluice.Errorf(sluice.LimitExceeded, "the body of the webhook is over %d MiB", maxBody>>20).
		Fix("nothing is lost: the server looks at the repository by itself too")
}
