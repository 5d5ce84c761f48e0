package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What the launcher of a step in namespaces gets through its standard input, to put into memory:
 * nothing of it is ever in a file on disk or in a process's arguments.
 *
 * @param files the first as mounts have them; the last is crun's configuration, if a secret is a
 *     variable of the step's environment
 * @param holdConfig whether crun's configuration is one of them
 */
record LauncherSecrets(List<StepMount.Secret> files, boolean holdConfig) {
  /** Ends the list. */
  private static final String END = ".\n";

  LauncherSecrets {
    files = List.copyOf(files);
  }

  static LauncherSecrets of(Command command, byte[] config) {
    List<StepMount.Secret> files = new ArrayList<>();
    for (StepMount mount : command.mounts()) {
      if (mount instanceof StepMount.Secret secret) {
        files.add(secret);
      }
    }
    boolean holdConfig = !command.secrets().isEmpty();
    if (holdConfig) {
      files.add(new StepMount.Secret("", config, 0600, 0, 0));
    }
    return new LauncherSecrets(files, holdConfig);
  }

  /** Name of the file of crun's configuration. */
  String configName() {
    return Integer.toString(files.size() - 1);
  }

  /** Tells a launcher that is ready: size, owner and mode of each, and its bytes. */
  void tell(OutputStream launcher) throws IOException {
    for (StepMount.Secret file : files) {
      String line =
          "%d %d:%d %04o\n".formatted(file.content().length, file.uid(), file.gid(), file.mode());
      launcher.write(line.getBytes(StandardCharsets.US_ASCII));
      launcher.write(file.content());
    }
    launcher.write(END.getBytes(StandardCharsets.US_ASCII));
    launcher.flush();
  }
}
