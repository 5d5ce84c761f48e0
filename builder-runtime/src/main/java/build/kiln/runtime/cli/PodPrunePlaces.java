package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.ClusterUses;
import build.kiln.runtime.prune.ConfigMapShardStore;
import build.kiln.runtime.prune.Executor;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.MirrorMapping;
import build.kiln.runtime.prune.OtherPolicies;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.prune.StoredManifestCache;
import build.kiln.runtime.prune.StoredPlan;
import build.kiln.runtime.registry.RegistryClient;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** In a pod: the cluster's API says what is in use, and has all that is kept in ConfigMaps. */
final class PodPrunePlaces implements PrunePlaces {
  private static final String POLICIES = "/apis/kiln.build/v1alpha1/imageprunepolicies";

  private final PruneOrder order;
  private final ClusterApi api;
  private final ConfigMapShardStore.Owner owner;
  private final PrintStream out;

  PodPrunePlaces(PruneOrder order, ClusterApi api, PrintStream out) {
    this.order = order;
    this.api = api;
    this.owner =
        new ConfigMapShardStore.Owner(
            order.resource().getMetadata().getName(), order.resource().getMetadata().getUid());
    this.out = out;
  }

  @Override
  public PolicyRun.Tools tools(RegistryClient client) throws IOException {
    var spec = order.resource().getSpec();
    Clock clock = Clock.systemUTC();
    var cluster = new ClusterUses(api, PolicyReader.sources(spec), spec.protect().inUse());
    InUse names = InUse.mapped(mappings(order.settings()));
    Executor.CurrentUse use = () -> cluster.now().and(names);
    return new PolicyRun.Tools(
        client,
        new LedgerBook(store("ledger")),
        new StoredManifestCache(store("manifests")),
        use,
        this::policies,
        new StoredPlan(store("plan")),
        clock,
        outcome -> out.println(PruneText.line(outcome)));
  }

  private List<OtherPolicies.Named> policies() throws IOException {
    List<OtherPolicies.Named> all = new ArrayList<>();
    List<JsonNode> found = new ArrayList<>();
    api.list(POLICIES, Map.of(), page -> page.path("items").forEach(found::add));
    for (JsonNode policy : found) {
      String name = policy.path("metadata").path("name").asText();
      try {
        all.add(
            new OtherPolicies.Named(
                name, Json.mapper().treeToValue(policy.path("spec"), ImagePrunePolicySpec.class)));
      } catch (JsonProcessingException e) {
        throw new IOException(
            "policy %s cannot be read (%s)".formatted(name, e.getOriginalMessage()), e);
      }
    }
    return all;
  }

  private ConfigMapShardStore store(String part) {
    return new ConfigMapShardStore(api, owner, part);
  }

  /** What nodes pull by an upstream's name may come from the installation's mirrors of it. */
  private static List<MirrorMapping> mappings(WorkOrder.Settings settings) throws PruneException {
    List<MirrorMapping> mappings = new ArrayList<>();
    var all = Objects.requireNonNullElse(settings.mirrors(), Map.<String, List<String>>of());
    for (var upstream : all.entrySet()) {
      for (String mirror : upstream.getValue()) {
        mappings.add(mapping(upstream.getKey(), mirror));
      }
    }
    return mappings;
  }

  private static MirrorMapping mapping(String upstream, String mirror) throws PruneException {
    try {
      return MirrorMapping.of(upstream, mirror);
    } catch (OciException e) {
      throw new PruneException(
          PruneException.Code.INPUT_INVALID,
          "registries.mirrors of the installation has the mirror \"%s\" of \"%s\", which is no name of a registry (%s): correct it there"
              .formatted(mirror, upstream, e.getMessage()),
          e);
    }
  }

  @Override
  public void show(PolicyRun.Ended ended) {
    PruneText.print(ended, out);
  }

  @Override
  public String keep(ReportFile report) throws IOException {
    ConfigMapShardStore store = store("report");
    report.save(store);
    return "kubectl get configmaps -n %s -l %s -o json"
        .formatted(api.namespace(), store.selector());
  }
}
