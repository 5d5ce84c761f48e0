package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.SecretFiles;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The Jobs, as YAML that a person reviews: {@code -Dgolden.update=true} writes it anew. */
class JobTemplateTest {
  private static final Path GOLDEN = Path.of("src/test/resources/jobs");
  private static final String PLAIN = "dockerfile: {inline: \"FROM scratch\"}";
  private static final String FULL =
      """
      source: {git: {url: "https://git.example.com/x", secretRef: {name: git-login}}}
      registrySecrets: [{name: pull}]
      ssh: [{id: default, secretRef: {name: deploy}}]
      secrets: [{id: npmrc, secretRef: {name: npm}}, {id: t, secretRef: {name: npm, key: token}}]
      output: {image: r.example.com/x, secretRef: {name: push}}
      workspace: {size: 7Gi}
      timeout: 30m
      retries: 1
      podTemplate:
        resources: {requests: {cpu: "1"}, limits: {memory: 2Gi}}
        nodeSelector: {disk: fast}
        tolerations: [{key: builds, operator: Exists}]
        serviceAccountName: builds
        priorityClassName: low
        labels: {team: shop, kiln.build/run: "99"}
        annotations: {note: hello}
      """;

  @ParameterizedTest
  @EnumSource(value = Isolation.class, mode = EnumSource.Mode.EXCLUDE, names = "Auto")
  void ofATier(Isolation tier) throws IOException {
    hold("plain-" + tier + ".yaml", template(PLAIN, "", tier, SecretFiles.NONE, List.of()));
  }

  @Test
  void withAllThatASpecAndSettingsSay() throws IOException {
    var secrets = SecretFiles.NONE;
    for (var wanted : WantedSecrets.of(TestCluster.build("hello", FULL).getSpec())) {
      secrets =
          secrets.with(
              wanted,
              wanted.folder().equals(BuilderPaths.SECRETS_GIT)
                  ? List.of("username", "password")
                  : wanted.keys());
    }
    hold(
        "full.yaml",
        template(
            FULL,
            """
            builderImagePullSecrets: [mirror]
            builderImagePullPolicy: Always
            defaults:
              nodeSelector: {builds: "yes"}
              tolerations: [{key: all-builds, operator: Exists}]
              workspaceSize: 10Gi
            """,
            Isolation.Chroot,
            secrets,
            List.of("corp.pem")));
  }

  @ParameterizedTest
  @EnumSource(
      value = Isolation.class,
      names = {"Namespaces", "NoRun"})
  void withAVolumeForTheCache(Isolation tier) throws IOException {
    hold(
        "cache-" + tier + ".yaml",
        template(
            PLAIN + "\ncache: {volume: {claimName: builds, subPath: shop/api, maxSize: 20Gi}}",
            "",
            tier,
            SecretFiles.NONE,
            List.of()));
  }

  @Test
  void defaultsFillWhatTheSpecLeavesOut() {
    var job =
        template(
                PLAIN,
                "defaults: {workspaceSize: 10Gi, resources: {requests: {memory: 1Gi}}}",
                Isolation.Chroot,
                SecretFiles.NONE,
                List.of())
            .job();
    var yaml = Serialization.asYaml(job);
    assertThat(yaml).contains("sizeLimit: \"10Gi\"", "memory: \"1Gi\"");
  }

  @Test
  void everyConfigMapOfAContextIsMountedOnce() {
    var spec =
        """
        source: {configMap: {name: files}}
        contexts:
        - {name: a, configMap: {name: more}}
        - {name: b, configMap: {name: files}}
        - {name: c, image: {image: r/x}}
        - {name: d, git: {url: "https://h/x", secretRef: {name: login}}}
        """;
    var pod = template(spec, "", Isolation.Chroot, SecretFiles.NONE, List.of()).pod().getSpec();

    assertThat(pod.getVolumes().stream().filter(volume -> volume.getName().startsWith("source")))
        .extracting(volume -> volume.getName() + " " + volume.getConfigMap().getName())
        .containsExactly("source files", "source-1 more");
    assertThat(pod.getContainers().getFirst().getVolumeMounts())
        .extracting(mount -> mount.getName() + " " + mount.getMountPath())
        .contains("source /kiln/configmaps/files", "source-1 /kiln/configmaps/more");
    assertThat(WantedSecrets.of(TestCluster.build("hello", spec).getSpec()))
        .extracting(wanted -> wanted.folder() + "/" + wanted.name())
        .containsExactly("git/login");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hello",
        "a.name-with.dots",
        "a-name-that-is-as-long-as-a-name-can-be-in-kubernetes-which-is-very-long-indeed-more-than-a-label"
      })
  void namesAreLabelsAndTellRunAndAttemptApart(String name) {
    var build = TestCluster.build(name, PLAIN);
    var uid = build.getMetadata().getUid();
    var job = Names.job(name, uid, 12, 1);
    assertThat(job).matches("[a-z0-9]([a-z0-9-]*[a-z0-9])?").hasSizeLessThanOrEqualTo(57);
    assertThat(job).isEqualTo(Names.job(name, uid, 12, 1));
    assertThat(
            List.of(
                Names.job(name, uid, 12, 2),
                Names.job(name, uid, 13, 1),
                Names.job(name, "other", 12, 1)))
        .doesNotContain(job)
        .doesNotHaveDuplicates();
  }

  private static JobTemplate template(
      String spec, String settings, Isolation tier, SecretFiles secrets, List<String> caFiles) {
    return new JobTemplate(
        TestCluster.build("hello", spec),
        3,
        1,
        tier,
        secrets,
        Map.of(),
        caFiles,
        TestCluster.settings(settings));
  }

  private static void hold(String file, JobTemplate template) throws IOException {
    var golden = GOLDEN.resolve(file);
    var yaml = Serialization.asYaml(template.job());
    if (Boolean.getBoolean("golden.update")) {
      Files.createDirectories(GOLDEN);
      Files.writeString(golden, yaml);
    }
    assertThat(yaml).isEqualTo(Files.readString(golden));
  }
}
