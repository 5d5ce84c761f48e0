package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PodVolumesTest {
  @TempDir private Path folder;
  private EmbeddedApiServer server;

  @BeforeEach
  void start() {
    server = EmbeddedApiServer.start(0);
    server
        .client()
        .configMaps()
        .inNamespace("default")
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("order")
                .endMetadata()
                .withData(Map.of("order.json", "{}", "ca.pem", "PEM"))
                .build())
        .create();
    server
        .client()
        .secrets()
        .inNamespace("default")
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName("login")
                .endMetadata()
                .withStringData(Map.of(".dockerconfigjson", "{\"auths\":{}}"))
                .build())
        .create();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void liesWhereThePodMountsIt() throws IOException {
    var volumes =
        PodVolumes.write(
            server.client(),
            pod(
                """
                - {name: order, configMap: {name: order, items: [{key: order.json, path: order.json}, {key: ca.pem, path: ca/ca.pem}]}}
                - {name: work, emptyDir: {}}
                - name: secrets
                  projected:
                    sources:
                    - secret: {name: login, optional: true, items: [{key: .dockerconfigjson, path: registry/login/.dockerconfigjson}]}
                    - secret: {name: gone, optional: true, items: [{key: username, path: git/gone/username}]}
                """,
                "order: /kiln/work, work: /kiln/workspace, secrets: /kiln/secrets"),
            folder);

    assertThat(volumes.onHost("/kiln/work/order.json")).hasContent("{}");
    assertThat(volumes.onHost("/kiln/work/ca/ca.pem")).hasContent("PEM");
    assertThat(volumes.onHost("/kiln/workspace")).isEmptyDirectory();
    var secret = volumes.onHost("/kiln/secrets/registry/login/.dockerconfigjson");
    assertThat(secret).hasContent("{\"auths\":{}}");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(secret)))
        .isEqualTo("rw-------");
    assertThat(volumes.onHost("/kiln/secrets/git")).doesNotExist();
  }

  @Test
  void missesWhatIsNotOptional() {
    var pod = pod("- {name: a, configMap: {name: gone}}", "a: /a");
    assertThatThrownBy(() -> PodVolumes.write(server.client(), pod, folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("configmap \"gone\" not found");
  }

  @Test
  void refusesWhatOnlyAClusterHas() {
    var pod = pod("- {name: a, hostPath: {path: /}}", "a: /a");
    assertThatThrownBy(() -> PodVolumes.write(server.client(), pod, folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("\"a\"");
  }

  private static Pod pod(String volumes, String mounts) {
    var lines = new StringBuilder();
    for (var mount : mounts.split(", ")) {
      var parts = mount.split(": ");
      lines.append("    - {name: %s, mountPath: %s}\n".formatted(parts[0], parts[1]));
    }
    return Serialization.unmarshal(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: builder, namespace: default}
        spec:
          containers:
          - name: builder
            volumeMounts:
        %s  volumes:
        %s"""
            .formatted(lines, volumes.indent(2)),
        Pod.class);
  }
}
