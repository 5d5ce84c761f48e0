package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * {@code kiln train}: does what builds and mirrors do, so that a JVM which keeps what it loaded and
 * what it translated (an AOT cache, JEP 514 and 515) has it at later starts. For who makes a
 * distribution; people have no use for it.
 */
final class TrainCommand implements Command {
  private static final String CLASS = ".class";

  /**
   * So many that a mirror asks for a list of them, and that a JVM translates what is done for each.
   */
  private static final int TAGS = 150;

  private static final List<String> FOR_STEPS =
      List.of(
          "build/kiln/runtime/posix/", "build/kiln/runtime/rootfs/", "build/kiln/runtime/sandbox/");

  @SuppressWarnings("NullAway.Init") // required, so the parser sets it
  private Path folder;

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .about(
            "Builds, pushes, pulls and copies small images within this process, for an AOT cache.")
        .hidden()
        .parameter(
            "FOLDER", "An empty folder for all that is written.", text -> folder = Path.of(text));
  }

  @Override
  public Integer call() throws IOException, CommandFailure {
    try (EmbeddedRegistry registry = EmbeddedRegistry.start()) {
      String base = registry.host() + "/base";
      String image = registry.host() + "/image";
      List<String> cache = List.of("--cache-repo", registry.host() + "/cache");
      String context =
          context("base", "FROM scratch\nCOPY --chmod=755 true /bin/sh\nCOPY file /\n");
      must(
          build(
              "first",
              context,
              "-t",
              base,
              "--push",
              "--progress=plain",
              "--compression=gzip",
              "--build-arg=A=b"));
      context =
          context(
              "image",
              """
              FROM %s AS build
              ARG A=b
              WORKDIR /w
              COPY . .
              FROM %s
              COPY --from=build /w/file /file
              ENV A=b
              CMD ["/file"]
              """
                  .formatted(base, base));
      var all = new ArrayList<>(List.of("-t", image, "--push"));
      all.addAll(cache);
      String[] options = all.toArray(String[]::new);
      must(build("second", context, options));
      must(build("second", context, options));
      must(build("third", context, options));
      must(Main.run("pull", "--store", store("fourth"), image));
      // Where nothing can be run, as while an image is built, that is found out as late as in other
      // builds.
      build("second", context("run", "FROM " + base + "\nRUN true\nCOPY true /\nRUN true\n"));
      for (String tag : List.of("v1.2", "v1.2.3-rc.1", "1.2.3")) {
        must(Main.run("copy", "docker://" + image, "docker://" + image + ":" + tag));
      }
      pushTags(Reference.parse(registry.host() + "/tags"));
      copies(registry, image);
      // All of the above named one.
      Desk.ofThisProcess().store();
      // Each command has takers of its own, which are classes too.
      KilnCommand.line().getUsageMessage();
      loadForSteps();
      return ExitCode.OK.code();
    }
  }

  /** Small images that share one layer, as the tags of an application do. */
  private static void pushTags(Reference repository) throws IOException {
    Desk desk = Desk.ofThisProcess();
    try (var registry = new RegistryClient(desk.registry(List.of()), desk.credentials())) {
      for (int i = 0; i < TAGS; i++) {
        Descriptor config =
            registry.pushMissingBlob(
                repository, MediaTypes.OCI_CONFIG, bytes("{\"tag\":" + i + "}"));
        List<Descriptor> layers = new ArrayList<>();
        for (String layer : List.of("shared", "of " + i, "also of " + i)) {
          layers.add(registry.pushMissingBlob(repository, MediaTypes.OCI_LAYER_GZIP, bytes(layer)));
        }
        Manifest manifest = Manifest.oci(config, layers, null);
        registry.pushManifest(
            repository.withTag("t" + i),
            Json.write(manifest, Manifest.JSON),
            MediaTypes.OCI_MANIFEST);
      }
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Each twice: what is copied, and what is there already. */
  private void copies(EmbeddedRegistry registry, String image) throws IOException, CommandFailure {
    try (EmbeddedRegistry other = EmbeddedRegistry.start()) {
      Path mirror = folder.resolve("mirror.yaml");
      Files.writeString(
          mirror,
          """
          apiVersion: kiln.build/v1alpha1
          kind: ImageMirror
          metadata: {name: train}
          spec:
            source: {registry: "%s", repositories: [base, image, "tag*"]}
            destination: {prefix: %s/mirror}
            tags: {all: true}
          """
              .formatted(registry.host(), other.host()));
      for (int i = 0; i < 2; i++) {
        must(Main.run("copy", "docker://" + image, "docker://" + other.host() + "/copy"));
        must(Main.run("sync", "-f", mirror.toString()));
      }
    }
  }

  private String context(String name, String dockerfile) throws IOException {
    Path context = Files.createDirectories(folder.resolve(name));
    Files.writeString(context.resolve("Dockerfile"), dockerfile);
    Files.writeString(context.resolve(".dockerignore"), "ignored\n");
    // More than a layer is compressed of at once.
    Files.write(context.resolve("file"), bytes("content".repeat(500_000)));
    Files.write(context.resolve("true"), DoesNothing.program());
    return context.toString();
  }

  private String store(String name) {
    return folder.resolve("store-" + name).toString();
  }

  private int build(String store, String context, String... options) {
    var words = new ArrayList<>(List.of("build", "--store=" + store(store), context));
    words.addAll(List.of(options));
    return Main.run(words.toArray(String[]::new));
  }

  /**
   * Loads what only a machine needs where steps can be run: a class that is not in the cache is
   * looked for in every jar before its own.
   */
  private static void loadForSteps() throws IOException {
    URL own = TrainCommand.class.getProtectionDomain().getCodeSource().getLocation();
    if (!own.getPath().endsWith(".jar")) {
      return;
    }
    try (var jar = new JarFile(new File(URI.create(own.toString())))) {
      for (JarEntry entry : Collections.list(jar.entries())) {
        String name = entry.getName();
        boolean needed = FOR_STEPS.stream().anyMatch(name::startsWith);
        if (needed && name.endsWith(CLASS)) {
          load(name.substring(0, name.length() - CLASS.length()));
        }
      }
    }
  }

  private static void load(String path) throws IOException {
    try {
      Class.forName(path.replace('/', '.'), false, TrainCommand.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IOException("the distribution is incomplete: " + e.getMessage(), e);
    }
  }

  private static void must(int code) throws CommandFailure {
    if (code != ExitCode.OK.code()) {
      throw new CommandFailure(ExitCode.INFRASTRUCTURE, "the training failed, see above");
    }
  }
}
