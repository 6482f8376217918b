package scout

import (
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// How a deployment names its revision.
const (
	lookupLatest   = "latest"
	lookupRevision = "revision_id"
)

// deploymentConfig is one revision of an environment and its share of traffic:
// as a request has it of 1 or of 100, as an answer has it of 100.
type deploymentConfig struct {
	Lookup   string   `json:"revision_lookup"`
	Revision string   `json:"revision_id,omitempty"`
	Traffic  *float64 `json:"traffic,omitempty"`

	// What Scout does not tell: what was asked for, where the answer names what that
	// was at the time, and the label.
	Asked string       `json:"asked,omitempty"`
	Label sluice.Label `json:"label,omitempty"`
}

// weights reads the traffic of deployments. They add up to 1 or to 100, which
// decides what they are of; 0 is no share, and one alone may leave it out.
func weights(list []deploymentConfig) ([]sluice.Weight, error) {
	if len(list) > sluice.MaxShares {
		return nil, wrong("deploy fewer revisions side by side", []any{"body", "deployments"}, "%d deployments; the limit is %d", len(list), sluice.MaxShares)
	}
	switch {
	case len(list) == 0:
		return nil, nil
	case len(list) == 1 && list[0].Traffic == nil:
		return []sluice.Weight{sluice.Whole}, nil
	}
	sum := 0.0
	for i, d := range list {
		switch where := []any{"body", "deployments", i, "traffic"}; {
		case d.Traffic == nil:
			return nil, wrong("give each deployment its share", where, "the traffic is missing")
		case *d.Traffic < 0:
			return nil, wrong("give a share of 1 or of 100", where, "the traffic is below 0")
		}
		sum += *d.Traffic
	}
	const slack = 1e-6 // what is lost when shares are written in decimals
	whole := math.Round(sum)
	if whole != 1 && whole != 100 || math.Abs(sum-whole) > slack*whole {
		return nil, wrong("give shares that add up to 1 or to 100", []any{"body", "deployments"}, "the traffic adds up to %s", strconv.FormatFloat(sum, 'g', 6, 64))
	}
	return round(list, sum)
}

// round makes weights of shares, so that they add up to the whole.
func round(list []deploymentConfig, sum float64) ([]sluice.Weight, error) {
	out, order, left := make([]sluice.Weight, len(list)), make([]int, len(list)), sluice.Whole
	rest := make([]float64, len(list))
	for i, d := range list {
		// A share of 0.07 is 700 and not 699: what decimals lose is no rest.
		exact := math.Round(*d.Traffic/sum*float64(sluice.Whole)*1e4) / 1e4
		out[i], order[i] = sluice.Weight(exact), i
		rest[i] = exact - math.Floor(exact)
		left -= out[i]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if rest[a] > rest[b] {
			return -1
		} else if rest[a] < rest[b] {
			return 1
		}
		return 0
	})
	for _, i := range order[:max(0, min(int(left), len(order)))] {
		out[i]++
	}
	for i, d := range list {
		if *d.Traffic > 0 && out[i] == 0 {
			return nil, wrong("give it 0, or at least 0.01 of 100", []any{"body", "deployments", i, "traffic"}, "the traffic is less than 0.01 %%")
		}
	}
	return out, nil
}

// split is the change of one environment that deployments ask for, and the
// deployments with what they name found: latest becomes a number here and now.
func (a *Adapter) split(ctx context.Context, component string, list []deploymentConfig) (sluice.ChangeRequest, []deploymentConfig, error) {
	change := sluice.ChangeRequest{Component: component}
	shares, err := weights(list)
	if err != nil {
		return change, nil, err
	}
	var found []deploymentConfig
	for i, d := range list {
		where := []any{"body", "deployments", i, lookupRevision}
		asked := d.Revision
		switch {
		case d.Lookup == lookupLatest:
			asked = lookupLatest
		case d.Lookup != lookupRevision:
			return change, nil, wrong("use latest, or revision_id and a revision", []any{"body", "deployments", i, "revision_lookup"}, "the revision_lookup is not known")
		case d.Revision == "":
			return change, nil, wrong("give revision_id, or use revision_lookup latest", where, "the revision is missing")
		}
		v, err := a.Services.Version(ctx, component, asked)
		if err != nil {
			return change, nil, invalid(err, where...)
		}
		if shares[i] == 0 {
			continue
		}
		next := deploymentConfig{Lookup: lookupRevision, Revision: strconv.Itoa(v.Number), Traffic: percent(shares[i]), Label: v.Label}
		if asked != next.Revision {
			next.Asked = asked
		}
		found = append(found, next)
		change.Split = append(change.Split, sluice.ShareRequest{Version: next.Revision, Weight: shares[i]})
	}
	switch len(found) {
	case 0:
		change.Unset = true
	case 1:
		change.Version, change.Split = found[0].Revision, nil
	}
	return change, found, nil
}

func percent(w sluice.Weight) *float64 {
	p := float64(w) / 100
	return &p
}
