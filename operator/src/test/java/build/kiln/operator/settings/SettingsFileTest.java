package build.kiln.operator.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsFileTest {
  @Test
  void onlyTheBuildersImageMustBeSet() {
    var settings = SettingsFile.parse("builderImage: x", "f");
    assertThat(settings.builderImagePullPolicy()).isEqualTo("IfNotPresent");
    assertThat(settings.allowChroot()).isFalse();
    assertThat(settings.watchNamespaces()).isEmpty();
    assertThat(settings.leaderElection().enabled()).isTrue();
    assertThat(settings.startGrace()).isEqualTo(Duration.ofSeconds(20));
    assertThat(settings.defaults().workspaceSize()).isNull();
  }

  @Test
  void readsJsonToo() {
    var settings =
        SettingsFile.parse(
            "{\"builderImage\":\"x\",\"mirrors\":{\"docker.io\":[\"m\"]},\"defaults\":{\"workspaceSize\":\"1Gi\"}}",
            "f");
    assertThat(settings.mirrors()).containsEntry("docker.io", List.of("m"));
    assertThat(settings.defaults().workspaceSize()).hasToString("1Gi");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          httpPort: 1                                          | builderImage is missing
          builderImage: ''                                     | builderImage is missing
          {builderImage: x, bilder: 1}                         | bilder is not a setting; known here: allowChroot
          {builderImage: x, retry: {max: 1h, min: 1m}}         | retry.min is not a setting
          {builderImage: x, maxConcurrentBuilds: 0}            | maxConcurrentBuilds cannot be "0": it must be 1 or more
          {builderImage: x, maxConcurrentBuilds: many}         | maxConcurrentBuilds: Cannot deserialize
          {builderImage: x, builderImagePullPolicy: Sometimes} | it must be Always, IfNotPresent or Never
          {builderImage: x, podStartGrace: soon}               | podStartGrace cannot be "soon"
          {builderImage: x, retry: {initial: 0s}}              | retry.initial cannot be "0s"
          {builderImage: x, insecureRegistries: [http://r]}    | without https://
          {builderImage: x, proxies: {http_proxy: x}}          | HTTP_PROXY, HTTPS_PROXY and NO_PROXY
          {builderImage: x, watchNamespaces: [A_B]}            | names of namespaces
          {builderImage: x, defaults: {workspaceSize: big}}    | a size such as 10Gi
          {builderImage: x, httpPort: 70000}                   | a port or 0
          {builderImage: x, nodes: {namespace: n}}             | nodes.serviceAccount cannot be
          {builderImage: x, nodes: {namespace: n, serviceAccount: s, socket: a.sock}}    | nodes.socket cannot be "a.sock"
          {builderImage: x, nodes: {namespace: n, serviceAccount: s, socket: /a/../b}}   | the absolute path of a socket
          {builderImage: x, nodes: {namespace: n, serviceAccount: s, concurrency: 0}}    | nodes.concurrency cannot be "0"
          builderImage: x: y                                   | line
          """)
  void saysWhatIsWrong(String text, String message) {
    assertThatThrownBy(() -> SettingsFile.parse(text, "settings.yaml"))
        .isInstanceOf(SettingsException.class)
        .hasMessageStartingWith("settings.yaml")
        .hasMessageContaining(message);
  }

  /** They would stand in a ConfigMap beside every build, for its tenants to read. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "proxies: {HTTP_PROXY: 'http://me:geheim@proxy:3128'}",
        "proxies: {HTTPS_PROXY: 'me:geheim@proxy:3128'}",
        "mirrors: {docker.io: [m, 'https://me:geheim@mirror/x']}"
      })
  void passwordsAreRefusedAndNotRepeated(String text) {
    assertThatThrownBy(() -> SettingsFile.parse("builderImage: x\n" + text, "settings.yaml"))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining("user and password")
        .hasMessageNotContaining("geheim");
  }

  @Test
  void anEmptyFileIsNoSettings() {
    assertThatThrownBy(() -> SettingsFile.parse("", "settings.yaml"))
        .isInstanceOf(SettingsException.class);
  }

  @Test
  void readsAFile(@TempDir Path folder) throws IOException {
    var file = Files.writeString(folder.resolve("s.yaml"), "builderImage: x");
    assertThat(SettingsFile.read(file).builderImage()).isEqualTo("x");
    assertThatThrownBy(() -> SettingsFile.read(folder.resolve("none")))
        .isInstanceOf(SettingsException.class)
        .hasMessageContaining("KILN_SETTINGS");
  }
}
