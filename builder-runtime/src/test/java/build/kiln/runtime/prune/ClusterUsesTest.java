package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.cluster.FakeCluster;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.KubernetesUses.Source;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterUsesTest {
  private static final String TEMPLATE =
      "{'metadata':{'name':'%s','namespace':'shop'},'spec':{'replicas':0,'template':{'spec':{'containers':[{'image':'r.io/%s:1'}]}}}}";

  private long seconds;
  @AutoClose private final FakeCluster cluster = FakeCluster.start();
  @AutoClose private final ClusterApi api = cluster.api();

  private long nanoTime() {
    return Duration.ofSeconds(seconds).toNanos();
  }

  private ClusterUses uses(Source... sources) {
    return new ClusterUses(api, List.of(sources), true, this::nanoTime);
  }

  private static Set<String> names(InUse inUse) {
    return inUse.uses().stream()
        .map(
            use ->
                use.repository()
                    + (use.tags().isEmpty() ? "@" + use.digest() : ":" + use.tags().getFirst()))
        .collect(Collectors.toSet());
  }

  @Test
  void everyKindWithAPodIsRead() throws IOException {
    String digest = "sha256:" + "a".repeat(64);
    cluster.put(
        "/api/v1/pods",
        """
        {'metadata':{'name':'p','namespace':'shop'},
         'spec':{'initContainers':[{'image':'r.io/init:1'}],'containers':[{'image':'r.io/app:1'}],
                 'ephemeralContainers':[{'image':'r.io/debug:1'}],
                 'volumes':[{'image':{'reference':'r.io/model:1'}}]},
         'status':{'initContainerStatuses':[{'imageID':'r.io/init@%s'}]}}
        """
            .formatted(digest));
    for (String kind :
        List.of(
            "apps/v1/deployments",
            "apps/v1/replicasets",
            "apps/v1/statefulsets",
            "apps/v1/daemonsets",
            "batch/v1/jobs")) {
      String name = kind.substring(kind.lastIndexOf('/') + 1);
      cluster.put("/apis/" + kind, TEMPLATE.formatted("x", name));
    }
    cluster.put(
        "/api/v1/replicationcontrollers", TEMPLATE.formatted("x", "replicationcontrollers"));
    cluster.put(
        "/apis/apps/v1/controllerrevisions",
        "{'metadata':{'name':'old','namespace':'shop'},'data':{'spec':{'template':{'spec':{'containers':[{'image':'r.io/revision:1'}]}}}}}");
    cluster.put(
        "/apis/batch/v1/cronjobs",
        "{'metadata':{'name':'c','namespace':'shop'},'spec':{'jobTemplate':{'spec':{'template':{'spec':{'containers':[{'image':'r.io/cron:1'}]}}}}}}");
    cluster.put(
        "/api/v1/podtemplates",
        "{'metadata':{'name':'t','namespace':'shop'},'template':{'spec':{'containers':[{'image':'r.io/podtemplate:1'}]}}}");
    cluster.put(
        "/apis/kiln.build/v1alpha1/imagebuilds",
        "{'apiVersion':'kiln.build/v1alpha1','kind':'ImageBuild','metadata':{'name':'b','namespace':'shop'},'spec':{'output':{'image':'r.io/built','tags':['1']}},'status':{'conditions':[{'type':'Reconciling','status':'True'}]}}");
    cluster.put(
        "/apis/kiln.build/v1alpha1/imagemirrors",
        "{'apiVersion':'kiln.build/v1alpha1','kind':'ImageMirror','metadata':{'name':'m','namespace':'shop'},'spec':{'source':{'repository':'docker.io/library/nginx'},'destination':{'prefix':'r.io/hub'},'tags':{'include':['1.29','pr-*']}}}");

    InUse found = uses().now();

    assertThat(found.unknown()).isEmpty();
    assertThat(names(found))
        .containsExactlyInAnyOrder(
            "r.io/init:1",
            "r.io/app:1",
            "r.io/debug:1",
            "r.io/model:1",
            "r.io/init@" + digest,
            "r.io/deployments:1",
            "r.io/replicasets:1",
            "r.io/statefulsets:1",
            "r.io/daemonsets:1",
            "r.io/jobs:1",
            "r.io/replicationcontrollers:1",
            "r.io/revision:1",
            "r.io/cron:1",
            "r.io/podtemplate:1",
            "r.io/built:1",
            "docker.io/library/nginx:1.29");
    assertThat(found.busy()).extracting(Busy::repository).containsExactly("r.io/built");
    assertThat(found.mappings())
        .containsExactly(
            new MirrorMapping(
                "docker.io/library/nginx", "r.io/hub/library/nginx", "ImageMirror shop/m"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pods",
        "replicasets",
        "jobs",
        "deployments",
        "statefulsets",
        "daemonsets",
        "controllerrevisions",
        "cronjobs",
        "replicationcontrollers",
        "podtemplates",
        "imagebuilds",
        "imagemirrors"
      })
  void aKindThatCannotBeListedIsNamedAndTheOthersAreRead(String kind) throws IOException {
    cluster.put(
        "/api/v1/pods",
        "{'metadata':{'name':'p','namespace':'n'},'spec':{'containers':[{'image':'r.io/a:1'}]}}");
    cluster.put("/apis/batch/v1/jobs", TEMPLATE.formatted("j", "b"));
    cluster.fail("/" + kind, query -> true, 403, 100);

    InUse found = uses().now();

    assertThat(found.unknown()).singleElement().asString().contains(kind).contains("403");
    assertThat(found.uses()).isNotEmpty();
  }

  /** A second page that fails is a list that is not known. */
  @Test
  void halfAListIsNone() throws IOException {
    for (int i = 0; i < 501; i++) {
      cluster.put("/api/v1/pods", "{'metadata':{'name':'p%d','namespace':'n'}}".formatted(i));
    }
    cluster.fail("/pods", query -> query.contains("continue"), 500, 100);

    assertThat(uses().now().unknown()).singleElement().asString().startsWith("Pod: ");
  }

  @Test
  void otherKindsAreFoundByTheirApiVersion() throws IOException {
    cluster.put(
        "/apis/batch.volcano.sh/v1/jobs",
        "{'apiVersion':'batch.volcano.sh/v1','kind':'Job','metadata':{'name':'v','namespace':'n'},'spec':{'tasks':[{'image':'r.io/volcano:1'}]}}");
    var volcano =
        new Source("batch.volcano.sh/v1", "Job", JsonPath.parse(".spec.tasks[*].image"), false);
    var absent = new Source("example.com/v1", "Widget", JsonPath.parse(".spec.image"), false);

    assertThat(names(uses(volcano).now())).containsExactly("r.io/volcano:1");
    assertThat(uses(volcano).now().unknown()).isEmpty();
    assertThat(uses(absent).now().unknown())
        .singleElement()
        .asString()
        .startsWith("Widget of example.com/v1: ");
  }

  /** The path may be wrong, and what it should name is not known then. */
  @Test
  void aSourceThatNamesNothingWhereItCouldStopsDeletion() throws IOException {
    for (int i = 0; i < 3; i++) {
      cluster.put(
          "/apis/tekton.dev/v1/tasks",
          "{'metadata':{'name':'t%d','namespace':'n'},'spec':{'steps':[{'image':'r.io/s:%d'},{'image':''}]}}"
              .formatted(i, i));
    }
    var right = new Source("tekton.dev/v1", "Task", JsonPath.parse(".spec.steps[*].image"), false);
    var wrong = new Source("tekton.dev/v1", "Task", JsonPath.parse(".spec.step[*].image"), false);
    var blank = new Source("tekton.dev/v1", "Task", JsonPath.parse(".spec.steps[1].image"), false);
    var allowed = new Source("tekton.dev/v1", "Task", JsonPath.parse(".spec.sidecar"), true);

    var index = new UseIndex(uses(right, wrong, blank, allowed).now());

    assertThat(index.unknown())
        .containsExactlyInAnyOrder(
            "Task of tekton.dev/v1: 3 of them were read, and .spec.step[*].image names nothing in any; correct protect.extraSources, or set optional: true there if that may be",
            "Task of tekton.dev/v1: 3 of them were read, and .spec.steps[1].image names nothing in any; correct protect.extraSources, or set optional: true there if that may be");
    assertThat(index.emptySources())
        .containsExactly(".spec.sidecar names nothing in any Task of tekton.dev/v1");
  }

  @Test
  void aSourceWithoutObjectsIsTold() throws IOException {
    cluster.put("/apis/tekton.dev/v1/tasks", "{'metadata':{'name':'t','namespace':'n'}}");
    cluster.remove("/apis/tekton.dev/v1/tasks");
    // A kind of the same name in another group.
    cluster.put("/apis/batch/v1/jobs", TEMPLATE.formatted("j", "b"));
    cluster.put("/apis/batch.volcano.sh/v1/jobs", "{'metadata':{'name':'t','namespace':'n'}}");
    cluster.remove("/apis/batch.volcano.sh/v1/jobs");
    var task = new Source("tekton.dev/v1", "Task", JsonPath.parse("..image"), false);
    var job = new Source("batch.volcano.sh/v1", "Job", JsonPath.parse(".spec.tasks"), false);

    var index = new UseIndex(uses(task, job).now());

    assertThat(index.unknown()).isEmpty();
    assertThat(index.emptySources())
        .containsExactly(
            "there is no Job of batch.volcano.sh/v1", "there is no Task of tekton.dev/v1");
  }

  @Test
  void anAnswerIsUsedAgainForSomeSecondsOnly() throws IOException {
    ClusterUses uses = uses();
    uses.now();
    int once = cluster.requests().size();
    uses.now();
    assertThat(cluster.requests()).hasSize(once);

    cluster.put(
        "/api/v1/pods",
        "{'metadata':{'name':'p','namespace':'n'},'spec':{'containers':[{'image':'r.io/new:1'}]}}");
    seconds += 21;
    assertThat(names(uses.now())).containsExactly("r.io/new:1");
  }

  @Test
  void wherePoliciesDoNotProtectUseOnlyWritersAreLookedFor() throws IOException {
    cluster.put(
        "/api/v1/pods",
        "{'metadata':{'name':'p','namespace':'n'},'spec':{'containers':[{'image':'r.io/a:1'}]}}");
    cluster.put(
        "/apis/kiln.build/v1alpha1/imagemirrors",
        "{'apiVersion':'kiln.build/v1alpha1','kind':'ImageMirror','metadata':{'name':'m','namespace':'n'},'spec':{'source':{'registry':'docker.io','repositories':['library/**']},'destination':{'prefix':'r.io/hub'}},'status':{'conditions':[{'type':'Reconciling','status':'True'}]}}");

    InUse found = new ClusterUses(api, List.of(), false).now();

    assertThat(found.uses()).isEmpty();
    UseIndex index = new UseIndex(found);
    assertThat(index.busy("r.io/hub/library/nginx")).isPresent();
    assertThat(index.busy("r.io/hubble/x")).isEmpty();
    assertThat(cluster.requests()).hasSize(2);
  }
}
