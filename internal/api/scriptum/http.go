package scriptum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// paths are the calls over HTTP: bodies and answers are the JSON of their
// messages, and what stands in the path or the query fills fields.
func (s *service) paths(mux routes) {
	bind(mux, "POST scripts", s.CreateScript)
	bind(mux, "GET scripts", s.ListScripts)
	bind(mux, "GET scripts/{name}", s.GetScript)
	bind(mux, "DELETE scripts/{name}", s.DeleteScript)
	bind(mux, "POST scripts/{name}/draft", s.SaveScriptDraft)
	bind(mux, "GET scripts/{name}/draft", s.GetDraftInfo)
	bind(mux, "POST scripts/{name}/draft/compile", s.CompileScriptDraft)
	bind(mux, "POST scripts/{name}/draft/test", s.TestScriptDraft)
	bind(mux, "POST scripts/{name}/draft/publish", s.PublishScriptDraft)
	bind(mux, "POST scripts/{name}/rollback", s.RollbackScript)
	bind(mux, "GET scripts/{name}/versions", s.ListScriptVersions)
	bind(mux, "GET scripts/{name}/versions/{version}", s.GetScriptVersion)
	bind(mux, "GET scripts/{name}/code", s.GetScriptCode)
	bind(mux, "GET scripts/{name}/code/versions/{version}", s.GetScriptCode)
	bind(mux, "PUT env", s.SetEnvVar)
	bind(mux, "GET env", s.ListEnvVars)
	bind(mux, "POST env/import", s.ImportEnvVars)
	bind(mux, "GET env/{key}", s.GetEnvVar)
	bind(mux, "DELETE env/{key}", s.DeleteEnvVar)
	bind(mux, "GET scripts/{name}/env", s.GetScriptEnv)
	bind(mux, "PATCH scripts/{name}/env", s.UpdateScriptEnv)
	s.threadPaths(mux)
	bind(mux, "GET tools", s.ListTools)
	bind(mux, "GET templates", s.ListTemplates)
	bind(mux, "GET templates/{id}", s.GetTemplate)
	bind(mux, "GET health", s.HealthCheck)
	mux.HandleFunc(httpPrefix, func(w http.ResponseWriter, r *http.Request) {
		api.Fail(w, sluice.Errorf(sluice.NotFound, "there is no %s at this path of the Scriptum service", r.Method).Fix("see which calls there are: grpcurl describes the service"))
	})
}

// threadPaths are the calls about threads.
func (s *service) threadPaths(mux routes) {
	bind(mux, "POST threads", s.CreateThread)
	bind(mux, "GET threads", s.ListThreads)
	bind(mux, "GET threads/{thread_id}", s.GetThread)
	bind(mux, "POST threads/{thread_id}/cancel", s.CancelThread)
	bind(mux, "POST threads/{thread_id}/resume", s.ResumeThread)
	bind(mux, "GET threads/{thread_id}/result", s.GetThreadResult)
	bind(mux, "GET threads/{thread_id}/artifacts", s.ListArtifacts)
	bindStream(s, mux, "GET threads/{thread_id}/watch", s.watchThread)
	bindStream(s, mux, "GET threads/{thread_id}/steps/{step_path}/watch", s.watchStep)
	bindStream(s, mux, "GET threads/{thread_id}/result/stream", s.streamThreadResult)
	bindStream(s, mux, "GET threads/{thread_id}/steps/stream", s.streamStepResult)
}

// routes are the paths, and the name of the call that each carries out.
type routes struct {
	*http.ServeMux
	calls map[string]string
}

// name keeps which call a pattern is: that of its request.
func (r routes) name(pattern string, request any) {
	name := reflect.TypeOf(request).Elem().Name()
	r.calls[pattern] = strings.TrimSuffix(name, "Request")
}

// message is a request's type and the pointer to it that is a message.
type message[T any] interface {
	*T
	proto.Message
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// pathOf is a pattern below the prefix as the mux takes it, and the fields that
// its path fills.
func pathOf(pattern string) (full string, names []string) {
	method, path, _ := strings.Cut(pattern, " ")
	for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
		names = append(names, m[1])
	}
	return method + " " + httpPrefix + path, names
}

// bind serves one call at a path below the prefix.
func bind[I any, PI message[I], O proto.Message](mux routes, pattern string, call func(context.Context, PI) (O, error)) {
	pattern, names := pathOf(pattern)
	mux.name(pattern, new(I))
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		in := PI(new(I))
		err := read(r, in, names)
		if err == nil {
			var out O
			if out, err = call(context.WithValue(r.Context(), keyOf{}, r.Header.Get("Idempotency-Key")), in); err == nil {
				err = answer(w, out)
			}
		}
		if err != nil {
			problem(w, err)
		}
	})
}

func answer(w http.ResponseWriter, out proto.Message) error {
	b, err := protojson.Marshal(out)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(b, '\n')) // who went away gets no answer
	return nil
}

// read fills a message from the body, the query and the path; the path counts.
func read(r *http.Request, into proto.Message, names []string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		if err := readBody(r, into); err != nil {
			return err
		}
	}
	m := into.ProtoReflect()
	for name, values := range r.URL.Query() {
		f := fieldOf(m, name)
		if f == nil || f.IsMap() {
			return sluice.Errorf(sluice.Invalid, "there is no parameter %.40q here", name).Fix("leave it out")
		}
		for _, v := range values {
			if err := put(m, f, v); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		if err := put(m, fieldOf(m, name), r.PathValue(name)); err != nil {
			return err
		}
	}
	return nil
}

var placeInJSON = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// readBody reads the JSON of a message, with names in either case. What is wrong
// with it is told by its place: its text may be a secret.
func readBody(r *http.Request, into proto.Message) error {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxMessage))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return sluice.Errorf(sluice.LimitExceeded, "the body of the request is over the limit of %d bytes", maxMessage).Fix("send less in one request")
	}
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "the body of the request cannot be read").Because(err)
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return nil
	}
	if err := sluice.CheckJSONText("the body of the request", b); err != nil {
		return err
	}
	if err := protojson.Unmarshal(b, into); err != nil {
		where, what := "", "is not JSON of the form that the call takes"
		if m := placeInJSON.FindStringSubmatch(err.Error()); m != nil {
			where = fmt.Sprintf(" at line %s, column %s", m[1], m[2])
		}
		if strings.Contains(err.Error(), "unknown field") {
			what = "has a field that the call does not know"
		}
		return sluice.Errorf(sluice.Invalid, "the body of the request%s %s", where, what).
			Fix("see its fields: `grpcurl ADDRESS describe dodil.scriptum.v1.%s`", into.ProtoReflect().Descriptor().Name())
	}
	return nil
}

// fieldOf finds a field by its name in either case.
func fieldOf(m protoreflect.Message, name string) protoreflect.FieldDescriptor {
	fields := m.Descriptor().Fields()
	if f := fields.ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return fields.ByJSONName(name)
}

// put sets a field, or adds to a list, from text. A label is key=value.
func put(m protoreflect.Message, f protoreflect.FieldDescriptor, text string) error {
	if f.Kind() == protoreflect.MessageKind && f.IsList() {
		list := m.Mutable(f).List()
		label := list.NewElement().Message()
		key, value, _ := strings.Cut(text, "=")
		label.Set(fieldOf(label, "key"), protoreflect.ValueOfString(key))
		label.Mutable(fieldOf(label, "values")).List().Append(protoreflect.ValueOfString(value))
		list.Append(protoreflect.ValueOfMessage(label))
		return nil
	}
	var v protoreflect.Value
	switch f.Kind() {
	case protoreflect.StringKind:
		v = protoreflect.ValueOfString(text)
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		bits := 64
		if f.Kind() == protoreflect.Int32Kind {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return sluice.Errorf(sluice.Invalid, "%s is not a whole number", f.Name()).Fix("write a number such as 3")
		}
		if v = protoreflect.ValueOfInt64(n); bits == 32 {
			v = protoreflect.ValueOfInt32(int32(n))
		}
	case protoreflect.BoolKind:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return sluice.Errorf(sluice.Invalid, "%s is neither true nor false", f.Name())
		}
		v = protoreflect.ValueOfBool(b)
	default:
		return sluice.Errorf(sluice.Invalid, "%s cannot stand in an address", f.Name()).Fix("send it in the body")
	}
	if f.IsList() {
		m.Mutable(f).List().Append(v)
		return nil
	}
	m.Set(f, v)
	return nil
}
