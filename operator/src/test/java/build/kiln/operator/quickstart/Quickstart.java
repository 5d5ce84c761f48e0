package build.kiln.operator.quickstart;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.operator.KilnOperator;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.ApiPodLogs;
import build.kiln.operator.settings.Settings;
import build.kiln.operator.settings.SettingsFile;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * Builds {@code examples/hello} with nothing but this machine, and proves the result: API server,
 * registry and operator in this process, the builder beside it.
 *
 * @param folder for all that is written
 */
record Quickstart(
    Path repository,
    Screen screen,
    Path folder,
    EmbeddedRegistry registry,
    RegistryClient client,
    LocalCluster cluster) {
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final String BASE = "docker.io/library/busybox:1";

  /**
   * Starts API server, registry and operator, and makes the base image.
   *
   * @param closing what was started and written goes with it
   */
  static Quickstart start(Path repository, Screen screen, Closing closing)
      throws IOException, InterruptedException {
    var kiln = repository.resolve("builder-runtime/target/kiln/bin/kiln");
    if (!Files.isExecutable(kiln)) {
      throw new IOException(kiln + " is not there: run ./mvnw package -DskipTests");
    }
    var folder = Files.createTempDirectory("kiln-quickstart-");
    closing.add(() -> FolderRemoval.remove(folder));
    var registry = closing.add(EmbeddedRegistry.start());
    var client =
        closing.add(new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous()));
    var cluster =
        closing.add(
            LocalCluster.start(
                new BuilderProgram(
                    List.of(kiln.toString()), Path.of(System.getProperty("java.home"))),
                folder,
                LocalCluster.JOB_BACKOFF,
                new BuilderOutput(screen)));
    screen.step("API server", cluster.uri() + " (fabric8's, in memory)");
    screen.step("registry", registry.host() + " (in memory; the mirror of docker.io)");
    var base = BaseImage.make(Platform.host().architecture());
    base.pushTo(client, registry.reference("library/busybox:1"));
    screen.step("base image", "%s, made of %s".formatted(BASE, base.origin()));
    var settings = settings(folder.resolve("settings.yaml"), registry.host());
    closing.add(
        KilnOperator.start(
            new KilnOperator.Parts(
                cluster.client(),
                settings,
                new ApiPodLogs(cluster.client()),
                Admission.ofEverything(),
                Clock.systemUTC(),
                new SimpleMeterRegistry(),
                null)));
    screen.step("operator", "watches ImageBuilds");
    return new Quickstart(repository, screen, folder, registry, client, cluster);
  }

  /**
   * Applies the example and looks at what comes of it.
   *
   * @return what is not as it should be; empty if all is well
   */
  List<String> run() throws IOException, InterruptedException {
    var build = Hello.apply(cluster.client(), Hello.manifest(repository, registry.host()));
    screen.step(
        "apply",
        "%s, its registry %s replaced by %s"
            .formatted(Hello.MANIFEST, Hello.REGISTRY, registry.host()));
    var over = Hello.follow(cluster.client(), build, screen, LIMIT);
    var last = over.orElseGet(() -> cluster.client().resource(build).get());
    show(last);
    return over.isEmpty()
        ? List.of("the build is not over after %d minutes".formatted(LIMIT.toMinutes()))
        : new Proof(client).of(last, screen);
  }

  /** Says what can be tried as long as all of it is up. */
  void invite() throws IOException {
    var kubeconfig = cluster.writeKubeconfig(folder.resolve("kubeconfig"));
    screen.text(Keeping.text(kubeconfig, repository, registry.host()));
  }

  /** By a file, as an installation has it. */
  private static Settings settings(Path file, String registry) throws IOException {
    return SettingsFile.read(
        Files.writeString(
            file,
            """
            builderImage: kiln/builder
            mirrors: {docker.io: ["http://%1$s"]}
            insecureRegistries: ["%1$s"]
            allowChroot: true
            progressInterval: 1s
            leaderElection: {enabled: false}
            """
                .formatted(registry)));
  }

  private void show(ImageBuild build) {
    var name = build.getMetadata().getName();
    var events =
        cluster
            .client()
            .v1()
            .events()
            .inNamespace(build.getMetadata().getNamespace())
            .list()
            .getItems()
            .stream()
            .filter(event -> Objects.equals(event.getInvolvedObject().getName(), name))
            .toList();
    screen.answer("kubectl get kbuild " + name, StatusText.columns(build, Instant.now()));
    screen.answer(
        "kubectl describe kbuild " + name,
        StatusText.description(build) + StatusText.events(events));
  }
}
