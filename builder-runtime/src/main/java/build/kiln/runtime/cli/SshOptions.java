package build.kiln.runtime.cli;

import build.kiln.runtime.ssh.AgentSource;
import build.kiln.runtime.ssh.KeyAgent;
import build.kiln.runtime.ssh.RelayedAgent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** {@code --ssh}, as docker build has it: {@code ID[=SOCKET|KEY[,KEY]...]}. */
final class SshOptions {
  private SshOptions() {}

  /**
   * The agents of a command line.
   *
   * @throws CommandFailure USAGE if an option is wrong, or a file is not there
   */
  static Map<String, AgentSource> parse(List<String> options, Map<String, String> environment)
      throws CommandFailure {
    Map<String, AgentSource> agents = new HashMap<>();
    for (String option : options) {
      int equals = option.indexOf('=');
      String id = equals < 0 ? option : option.substring(0, equals);
      List<Path> paths =
          equals < 0
              ? List.of()
              : Stream.of(option.substring(equals + 1).split(",")).map(Path::of).toList();
      if (id.isEmpty()) {
        throw CommandFailure.usage(
            "--ssh %s: it has no id; want default or ID=FILE".formatted(option));
      }
      if (agents.putIfAbsent(id, agent(id, paths, environment)) != null) {
        throw CommandFailure.usage("--ssh %s: there are two of this id".formatted(id));
      }
    }
    return agents;
  }

  private static AgentSource agent(String id, List<Path> paths, Map<String, String> environment)
      throws CommandFailure {
    if (paths.isEmpty()) {
      String socket = environment.getOrDefault("SSH_AUTH_SOCK", "");
      if (socket.isEmpty()) {
        throw CommandFailure.usage(
            "--ssh %s: no SSH agent is running (SSH_AUTH_SOCK is not set); start one, or name a private key: --ssh %s=FILE"
                .formatted(id, id));
      }
      return relayed(id, Path.of(socket));
    }
    for (Path path : paths) {
      if (!Files.exists(path)) {
        throw CommandFailure.usage("--ssh %s: %s is not there".formatted(id, path));
      }
    }
    if (isSocket(paths.getFirst())) {
      if (paths.size() > 1) {
        throw CommandFailure.usage(
            "--ssh %s: an agent's socket stands alone, or private keys do".formatted(id));
      }
      return relayed(id, paths.getFirst());
    }
    try {
      return KeyAgent.ofFiles(paths);
    } catch (IOException e) {
      throw CommandFailure.usage("--ssh %s: %s".formatted(id, e.getMessage()));
    }
  }

  private static AgentSource relayed(String id, Path socket) throws CommandFailure {
    if (!isSocket(socket)) {
      throw CommandFailure.usage("--ssh %s: %s is no agent's socket".formatted(id, socket));
    }
    return new RelayedAgent(socket.toAbsolutePath());
  }

  private static boolean isSocket(Path path) {
    return Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
  }
}
