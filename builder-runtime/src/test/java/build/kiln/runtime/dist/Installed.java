package build.kiln.runtime.dist;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;

/**
 * An installed {@code kiln} in a folder, with programs of our own before or instead of the
 * machine's.
 */
record Installed(Path folder) {
  /** What the launcher needs of POSIX. */
  private static final List<String> TOOLS =
      List.of("awk", "cat", "dirname", "env", "grep", "head", "readlink", "sed", "sh", "tr");

  /** How it ended. */
  record Result(int exitCode, List<String> out, String err) {}

  static Installed in(Path folder) throws IOException {
    var home = Files.createDirectories(folder.resolve("kiln"));
    var sources = Path.of("src/main/dist").toAbsolutePath();
    for (var file : List.of("bin/kiln", "lib/launch.sh")) {
      Files.createDirectories(home.resolve(file).getParent());
      Files.copy(sources.resolve(file), home.resolve(file));
    }
    executable(home.resolve("bin/kiln"));
    for (var jar : List.of("b.jar", "C.jar", "a.jar", "kiln-z.jar")) {
      Files.createFile(home.resolve("lib").resolve(jar));
    }
    var path = Files.createDirectories(folder.resolve("path"));
    for (var tool : TOOLS) {
      script(path.resolve(tool), "#!/bin/sh\nexec " + find(tool) + " \"$@\"\n");
    }
    return new Installed(folder).withJava(folder.resolve("jdk"), "25.0.3");
  }

  Path home() {
    return folder.resolve("kiln");
  }

  /** The only folder on PATH. */
  Path path() {
    return folder.resolve("path");
  }

  /** A JDK of this version whose java prints who it is and its arguments, a line each. */
  Installed withJava(Path jdk, String version) throws IOException {
    Files.createDirectories(jdk.resolve("bin"));
    Files.writeString(
        jdk.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
    script(
        jdk.resolve("bin/java"),
        """
        #!/bin/sh
        while read -r inside outside count; do echo "map $inside $outside $count"; done </proc/self/uid_map
        echo "locale $LC_ALL"
        printf '%s\\n' "$@"
        """);
    return this;
  }

  /** Real classes instead of the empty jars. */
  Installed withClassPath(String classPath) throws IOException {
    var manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest
        .getMainAttributes()
        .put(
            Attributes.Name.CLASS_PATH,
            Arrays.stream(classPath.split(":", -1))
                .map(entry -> Path.of(entry).toUri().toString())
                .collect(Collectors.joining(" ")));
    try (var jar = Files.newOutputStream(home().resolve("lib/a.jar"))) {
      new JarOutputStream(jar, manifest).close();
    }
    Files.delete(home().resolve("lib/b.jar"));
    Files.delete(home().resolve("lib/C.jar"));
    return this;
  }

  /** A program on PATH. */
  Installed with(String program, String script) throws IOException {
    script(path().resolve(program), script);
    return this;
  }

  /** An ordinary user called ann, who becomes root by our unshare if that allows it. */
  Installed withOrdinaryUser(String unshare) throws IOException {
    with(
        "id",
        """
        #!/bin/sh
        case $1 in
          -un) echo ann ;;
          *) echo ${INSIDE:-1234} ;;
        esac
        """);
    return with("unshare", unshare);
  }

  Result run(Map<String, String> environment, String... arguments) throws Exception {
    return run(List.of(), environment, arguments);
  }

  /**
   * Runs kiln with these arguments, with PATH, JAVA_HOME and HOME as here unless said otherwise.
   */
  Result run(List<String> before, Map<String, String> environment, String... arguments)
      throws Exception {
    var command = new ArrayList<>(before);
    command.add(home().resolve("bin/kiln").toString());
    command.addAll(List.of(arguments));
    return start(command, environment);
  }

  Result start(List<String> command, Map<String, String> environment) throws Exception {
    var out = folder.resolve("out");
    var err = folder.resolve("err");
    var builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", path().toString());
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.environment().put("HOME", folder.toString());
    builder.environment().putAll(environment);
    builder.environment().values().removeIf(String::isEmpty);
    var process = builder.start();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("kiln did not end");
    }
    return new Result(
        process.exitValue(),
        Files.readAllLines(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }

  /** Where the machine has a program. */
  private static Path find(String program) {
    for (var folder : System.getenv("PATH").split(":", -1)) {
      var file = Path.of(folder, program);
      if (Files.isExecutable(file)) {
        return file;
      }
    }
    throw new AssertionError("no " + program + " on PATH");
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    executable(file);
  }

  private static void executable(Path file) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
