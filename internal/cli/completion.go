package cli

import (
	"github.com/spf13/cobra"
)

func completionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long: "The shell then completes commands and flags, and asks Sluice for the names of components, versions\n" +
			"and environments. SHELL is bash, zsh, fish or powershell.",
		Example: "  source <(sluice completion bash)\n" +
			"  sluice completion zsh > \"${fpath[1]}/_sluice\"\n" +
			"  sluice completion fish > ~/.config/fish/completions/sluice.fish",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.fixed("bash", "zsh", "fish", "powershell")),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), e.Stdout
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return misuse(cmd, "completion: %q is not a shell that is known", args[0]).fix("choose bash, zsh, fish or powershell")
		},
	}
}
