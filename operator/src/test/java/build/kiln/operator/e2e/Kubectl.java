package build.kiln.operator.e2e;

import build.kiln.operator.e2e.Processes.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** kubectl against the test's cluster. */
record Kubectl(Path kubeconfig) {

  /** Runs kubectl; the caller looks at the exit code. */
  Result run(String... arguments) {
    return withInput("", arguments);
  }

  /** Runs kubectl, which must succeed, and gives its output. */
  String ok(String... arguments) {
    return run(arguments).orThrow();
  }

  /** Runs kubectl with this input. */
  Result withInput(String input, String... arguments) {
    var command = new ArrayList<>(List.of("kubectl", "--kubeconfig", kubeconfig.toString()));
    command.addAll(List.of(arguments));
    return Processes.run(command, input, Map.of());
  }
}
