package build.kiln.runtime.cli;

import build.kiln.api.work.NodeOrder;
import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.node.NodeStore;
import build.kiln.runtime.prune.Chunks;
import build.kiln.runtime.prune.ConfigMapShardStore;
import build.kiln.runtime.prune.ShardStore.Stored;
import java.io.EOFException;
import java.io.IOException;
import java.util.Optional;
import java.util.zip.ZipException;

/** In a pod: a node's report lies in a ConfigMap beside it, and goes with its policy. */
final class PodNodeStore implements NodeStore {
  private final ConfigMapShardStore store;

  PodNodeStore(NodeOrder order, ClusterApi api) {
    this.store =
        new ConfigMapShardStore(
            api,
            new ConfigMapShardStore.Owner(order.policy(), order.policyUid()),
            NodeOrder.part(order.nodeUid()));
  }

  @Override
  public Optional<byte[]> load() throws IOException {
    var chunks = store.load().values().stream().map(Stored::bytes).toList();
    try {
      return chunks.isEmpty() ? Optional.empty() : Optional.of(Chunks.unpack(chunks));
    } catch (ZipException | EOFException e) {
      throw new IOException(
          "what is remembered of the node is damaged (%s): delete the ConfigMaps with the labels %s, and everything counts as seen for the first time"
              .formatted(e.getMessage(), store.selector()),
          e);
    }
  }

  @Override
  public void save(byte[] report) throws IOException {
    Chunks.write(store, Chunks.pack(report));
  }
}
