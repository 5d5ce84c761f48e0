package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kubectl against the embedded API server, as {@code quickstart --keep} invites to. */
class EmbeddedApiServerTest {
  @TempDir private Path folder;
  private EmbeddedApiServer server;
  private Path kubeconfig;
  private Path manifest;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    assumeTrue(hasKubectl(), "kubectl is not on PATH");
    server = EmbeddedApiServer.start(0);
    kubeconfig = server.writeKubeconfig(folder.resolve("kubeconfig"));
    manifest =
        Files.writeString(
            folder.resolve("hello.yaml"),
            """
            apiVersion: kiln.build/v1alpha1
            kind: ImageBuild
            metadata: {name: hello}
            spec:
              dockerfile: {inline: "FROM scratch"}
              output: {image: "registry.example.com/hello"}
            """);
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void appliesAndGets() throws Exception {
    assertThat(kubectl("apply", "--validate=false", "-f", manifest.toString()))
        .contains("imagebuild.kiln.build/hello created");
    assertThat(kubectl("get", "imagebuilds")).contains("hello");
    assertThat(kubectl("get", "kbuild", "hello", "-o", "yaml"))
        .contains("registry.example.com/hello");
    assertThat(server.client().resources(ImageBuild.class).inNamespace("default").list().getItems())
        .singleElement()
        .satisfies(
            build ->
                assertThat(build.getSpec().output().image())
                    .isEqualTo("registry.example.com/hello"));
  }

  @Test
  void appliesAChangeOverTheOldManifest() throws Exception {
    kubectl("apply", "--validate=false", "-f", manifest.toString());
    Files.writeString(
        manifest, Files.readString(manifest).replace("example.com/hello", "example.com/other"));

    assertThat(kubectl("apply", "--validate=false", "-f", manifest.toString()))
        .contains("imagebuild.kiln.build/hello configured");
    assertThat(kubectl("get", "kbuild", "hello", "-o", "jsonpath={.spec.output.image}"))
        .isEqualTo("registry.example.com/other");
  }

  @Test
  void describes() throws Exception {
    kubectl("apply", "--validate=false", "-f", manifest.toString());
    assertThat(kubectl("describe", "kbuild", "hello"))
        .contains("Name:", "hello", "registry.example.com/hello");
  }

  @Test
  void describesWithTheEventsOfThisObjectOnly() throws Exception {
    kubectl("apply", "--validate=false", "-f", manifest.toString());
    Files.writeString(manifest, Files.readString(manifest).replace("name: hello", "name: other"));
    kubectl("apply", "--validate=false", "-f", manifest.toString());
    for (var name : List.of("hello", "other")) {
      var build =
          server.client().resources(ImageBuild.class).inNamespace("default").withName(name).get();
      server.client().v1().events().inNamespace("default").resource(event(build)).create();
    }

    assertThat(kubectl("describe", "kbuild", "hello"))
        .contains("the event of hello")
        .doesNotContain("the event of other");
    assertThat(kubectl("get", "events")).contains("hello.1", "other.1");
  }

  private static Event event(ImageBuild build) {
    return new EventBuilder()
        .withNewMetadata()
        .withName(build.getMetadata().getName() + ".1")
        .endMetadata()
        .withNewInvolvedObject()
        .withKind(build.getKind())
        .withName(build.getMetadata().getName())
        .withNamespace("default")
        .withUid(build.getMetadata().getUid())
        .endInvolvedObject()
        .withType("Normal")
        .withReason("Building")
        .withMessage("the event of " + build.getMetadata().getName())
        .withLastTimestamp("2026-01-01T00:00:00Z")
        .build();
  }

  @Test
  void deletes() throws Exception {
    kubectl("apply", "--validate=false", "-f", manifest.toString());
    assertThat(kubectl("delete", "--wait=false", "kbuild", "hello")).contains("deleted");
    assertThat(kubectl("get", "kbuild", "--ignore-not-found")).doesNotContain("hello");
  }

  private String kubectl(String... arguments) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("kubectl", "--kubeconfig", kubeconfig.toString()));
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("HOME", folder.toString());
    var process = builder.start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s: %s", command, output).isZero();
    return output;
  }

  private static boolean hasKubectl() throws InterruptedException {
    try {
      var process =
          new ProcessBuilder("kubectl", "version", "--client").redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
