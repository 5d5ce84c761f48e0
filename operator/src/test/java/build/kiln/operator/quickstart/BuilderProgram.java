package build.kiln.operator.quickstart;

import build.kiln.api.work.BuilderPaths;
import io.fabric8.kubernetes.api.model.Container;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What stands for the builder's image: its program on this machine.
 *
 * @param entrypoint the image's entry point
 * @param javaHome the Java that the image would have
 */
record BuilderProgram(List<String> entrypoint, Path javaHome) {
  private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  BuilderProgram {
    entrypoint = List.copyOf(entrypoint);
  }

  /**
   * The container's command, with its paths as they are on this machine. In a cluster the builder
   * finds the folders where {@link BuilderPaths} says; here it is told.
   */
  List<String> command(Container container, PodVolumes volumes) {
    var command =
        new ArrayList<>(container.getCommand().isEmpty() ? entrypoint : container.getCommand());
    for (var argument : container.getArgs()) {
      command.add(mounted(container, argument) ? volumes.onHost(argument).toString() : argument);
    }
    command.addAll(
        List.of(
            "--secrets-dir",
            volumes.onHost(BuilderPaths.SECRETS).toString(),
            "--configmaps-dir",
            volumes.onHost(BuilderPaths.CONFIG_MAPS).toString(),
            "--workspace",
            volumes.onHost(BuilderPaths.WORKSPACE).toString(),
            "--termination-log",
            volumes.onHost(container.getTerminationMessagePath()).toString()));
    return command;
  }

  /**
   * All of the process's environment: the image's, then the container's, and nothing of whoever
   * runs this.
   *
   * @throws IOException if the container's is taken from where only a cluster can look
   */
  Map<String, String> environment(Container container, Path home) throws IOException {
    Map<String, String> environment = new TreeMap<>();
    environment.put("PATH", PATH);
    environment.put("HOME", home.toString());
    environment.put("JAVA_HOME", javaHome.toString());
    for (var variable : container.getEnv()) {
      if (variable.getValueFrom() != null) {
        throw new IOException(
            "environment %s has a valueFrom, which only a cluster knows"
                .formatted(variable.getName()));
      }
      environment.put(variable.getName(), variable.getValue());
    }
    return environment;
  }

  private static boolean mounted(Container container, String argument) {
    return container.getVolumeMounts().stream()
        .anyMatch(
            mount ->
                argument.equals(mount.getMountPath())
                    || argument.startsWith(mount.getMountPath() + "/"));
  }
}
