// Package openai holds two clients of the chat completions against each other:
// the official SDK of OpenAI, and the llm block of Sluice, which is made with
// another library. One server, which takes only what the documentation of the
// protocol has, hears both. What they send for the same question must be the same,
// and what they read from the same answer too.
//
// It is a module of its own so that nobody who builds Sluice downloads the SDK, and
// it holds nothing but tests: no other package may import it.
package openai
