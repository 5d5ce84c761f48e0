package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.prune.KubernetesUses.Source;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class KubernetesUsesTest {
  private static final String HEX = "a".repeat(64);

  private static JsonNode json(String text) {
    return Json.tree(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8), "test");
  }

  private static InUse read(String text, Source... sources) {
    return KubernetesUses.of(List.of(json(text)), List.of(sources));
  }

  private static String template(String kind, String path) {
    String spec = "{'containers':[{'image':'r.io/a:1'}]}";
    String inner = spec;
    String[] names = path.split("/");
    for (int i = names.length - 1; i >= 0; i--) {
      inner = "{'" + names[i] + "':" + inner + "}";
    }
    return "{'kind':'%s','metadata':{'namespace':'n','name':'x'},%s"
        .formatted(kind, inner.substring(1));
  }

  static Stream<Arguments> owners() {
    return Stream.of(
        Arguments.of("Pod", "spec"),
        Arguments.of("Deployment", "spec/template/spec"),
        Arguments.of("ReplicaSet", "spec/template/spec"),
        Arguments.of("ReplicationController", "spec/template/spec"),
        Arguments.of("StatefulSet", "spec/template/spec"),
        Arguments.of("DaemonSet", "spec/template/spec"),
        Arguments.of("Job", "spec/template/spec"),
        Arguments.of("CronJob", "spec/jobTemplate/spec/template/spec"),
        Arguments.of("PodTemplate", "template/spec"),
        Arguments.of("ControllerRevision", "data/spec/template/spec"));
  }

  @ParameterizedTest
  @MethodSource("owners")
  void everyOwnerOfPodsIsRead(String kind, String path) {
    for (String text :
        List.of(
            template(kind, path),
            "{'kind':'List','items':[" + template(kind, path) + "]}",
            // As the API server answers a list: the items do not say what they are.
            "{'kind':'%sList','items':[%s]}"
                .formatted(kind, template(kind, path).replace("'kind':'" + kind + "',", "")))) {
      assertThat(read(text).uses())
          .containsExactly(new Use("r.io/a", List.of("1"), null, kind + " n/x"));
    }
  }

  @Test
  void aPodsContainersStatusesAndVolumesAreAllRead() {
    InUse found =
        read(
            """
            {'kind':'Pod','metadata':{'namespace':'n','name':'p'},
             'spec':{'initContainers':[{'image':'busybox'},{'image':'r.io/sidecar:2','restartPolicy':'Always'}],
                     'containers':[{'image':'R.io:5000/main:1'}],
                     'ephemeralContainers':[{'image':'r.io/debug@sha256:HEX'}],
                     'volumes':[{'name':'v','image':{'reference':'r.io/model:3'}},{'name':'e','emptyDir':{}}]},
             'status':{'initContainerStatuses':[{'image':'docker.io/library/busybox:latest','imageID':'docker.io/library/busybox@sha256:HEX'}],
                       'containerStatuses':[{'image':'sha256:HEX','imageID':'docker-pullable://r.io/main@sha256:HEX'}],
                       'ephemeralContainerStatuses':[{'image':'','imageID':''}]}}
            """
                .replace("HEX", HEX));

    assertThat(found.unparsable()).isEmpty();
    assertThat(found.uses())
        .extracting(u -> u.repository() + " " + u.tags() + " " + (u.digest() != null))
        .containsExactly(
            "docker.io/library/busybox [latest] false",
            "r.io/sidecar [2] false",
            "r.io:5000/main [1] false",
            "r.io/debug [] true",
            "r.io/model [3] false",
            "docker.io/library/busybox [latest] false",
            "docker.io/library/busybox [] true",
            "null [] true",
            "r.io/main [] true");
  }

  /** A tag of a volume's image may have moved since it was mounted. */
  @Test
  void theImagesOfMountedVolumesAreRead() {
    InUse found =
        read(
            """
            {'kind':'Pod','metadata':{'namespace':'n','name':'p'},
             'spec':{'volumes':[{'name':'v','image':{'reference':'r.io/model:3'}}]},
             'status':{'containerStatuses':[{'volumeMounts':[
               {'name':'v','volumeStatus':{'image':{'imageRef':'r.io/model@sha256:HEX'}}},{'name':'e'}]}]}}
            """
                .replace("HEX", HEX));

    assertThat(found.uses())
        .extracting(u -> u.repository() + " " + u.tags() + " " + (u.digest() != null))
        .containsExactly("r.io/model [3] false", "r.io/model [] true");
  }

  /** Runtimes name images by the digests of their configurations, with or without an algorithm. */
  @ParameterizedTest
  @ValueSource(strings = {"HEX", "sha256:HEX", "docker://sha256:HEX", "cri-o://HEX"})
  void anImageMayBeNamedByADigestAlone(String image) {
    InUse found =
        read(
            "{'kind':'Pod','metadata':{'name':'p'},'status':{'containerStatuses':[{'imageID':'%s'}]}}"
                .formatted(image.replace("HEX", HEX)));

    assertThat(found.uses()).containsExactly(Use.ofDigest(Digest.parse("sha256:" + HEX), "Pod p"));
  }

  @Test
  void whatCannotBeParsedProtectsEveryRepositoryItNames() {
    InUse found =
        read(
            """
            {'kind':'Pod','metadata':{'namespace':'n','name':'typo'},
             'spec':{'containers':[{'image':'r.io/shop/API:1:2'},{'image':'nginx::'}]}}
            """);

    var index = new UseIndex(found);
    assertThat(found.uses()).isEmpty();
    assertThat(index.unparsable("r.io/shop/api")).isPresent();
    assertThat(index.unparsable("docker.io/library/nginx")).isPresent();
    assertThat(index.unparsable("r.io/shop/web")).isEmpty();
  }

  @Test
  void buildsAndMirrorsNeedTheirImagesAndAreWaitedFor() {
    InUse found =
        read(
            """
            {'kind':'List','items':[
             {'apiVersion':'kiln.build/v1alpha1','kind':'ImageBuild','metadata':{'namespace':'n','name':'b'},
              'spec':{'output':{'image':'r.io/b','tags':['1','{{run}}']},'contexts':[{'name':'c','image':{'image':'r.io/c:1'}}],
                      'cache':{'registry':{'repository':'r.io/cache'}}},
              'status':{'image':'r.io/b@sha256:HEX','runs':[{'number':1,'phase':'Running'}]}},
             {'apiVersion':'kiln.build/v1alpha1','kind':'ImageBuild','metadata':{'namespace':'n','name':'done'},
              'spec':{'output':{'image':'r.io/d','tags':['1']}},'status':{'runs':[{'number':1,'phase':'Succeeded'}]}},
             {'apiVersion':'kiln.build/v1alpha1','kind':'ImageMirror','metadata':{'namespace':'n','name':'m'},
              'spec':{'destination':{'repository':'r.io/m'}},
              'status':{'conditions':[{'type':'Reconciling','status':'True'}]}}]}
            """
                .replace("HEX", HEX));

    assertThat(found.uses())
        .extracting(u -> u.repository() + " " + u.tags() + " " + (u.digest() != null))
        .containsExactly(
            "r.io/b [] true", "r.io/b [1] false", "r.io/c [1] false", "r.io/d [1] false");
    assertThat(found.busy())
        .extracting(InUse.Busy::repository)
        .containsExactly("r.io/b", "r.io/cache", "r.io/m");
  }

  @Test
  void otherKindsAreReadByPaths() {
    String workflow =
        """
        {'apiVersion':'tekton.dev/v1','kind':'Task','metadata':{'name':'t'},
         'spec':{'steps':[{'image':'r.io/s:1'},{'image':'r.io/s:2','deep':{'image':'r.io/s:3'}}],
                 'params':{'with.dot':'r.io/s:4'}}}
        """;
    assertThat(tags(workflow, ".spec.steps[*].image")).containsExactly("1", "2");
    assertThat(tags(workflow, "{.spec.steps[1].image}")).containsExactly("2");
    assertThat(tags(workflow, "$..image")).containsExactly("1", "2", "3");
    assertThat(tags(workflow, ".spec.params['with.dot']")).containsExactly("4");
    assertThat(tags(workflow, ".spec.params.*")).containsExactly("4");
    assertThat(tags(workflow, ".spec.steps")).isEmpty();
    Source other = new Source("tekton.dev/v1beta1", "Task", JsonPath.parse("..image"), false);
    assertThat(read(workflow, other).uses()).isEmpty();
  }

  private static List<String> tags(String object, String path) {
    Source source = new Source("tekton.dev/v1", "Task", JsonPath.parse(path), false);
    return read(object, source).uses().stream().flatMap(u -> u.tags().stream()).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "spec.image", ".spec[?(@.a)]", ".spec[0:2]", ".spec..", "$", ".a[x]"})
  void aPathThatIsNotSupportedIsRefused(String path) {
    assertThatThrownBy(() -> JsonPath.parse(path)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void mirrorsAreSeenThroughBothWays() {
    var mappings =
        List.of(
            new MirrorMapping("docker.io", "r.io/hub"),
            new MirrorMapping("r.io", "cache.local:5000"));

    assertThat(MirrorMapping.names("docker.io/library/nginx", mappings).all())
        .contains("r.io/hub/library/nginx", "cache.local:5000/hub/library/nginx");
    assertThat(MirrorMapping.names("cache.local:5000/hub/library/nginx", mappings).all())
        .contains("docker.io/library/nginx");
    assertThat(MirrorMapping.names("r.iox/hub", mappings).all()).containsExactly("r.iox/hub");
  }
}
