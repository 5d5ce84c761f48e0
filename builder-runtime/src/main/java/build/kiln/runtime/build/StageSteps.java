package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.cache.CacheEntry;
import build.kiln.runtime.cache.MissReason;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cache.StepCache.Lookup;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The steps of one stage that make layers: each from the cache, or by doing it. */
final class StageSteps {
  private final BuildSession session;
  private final StagePlan plan;
  private final StepCache.Stage lookups;
  private int step = 1;

  StageSteps(BuildSession session, StagePlan plan) {
    this.session = session;
    this.plan = plan;
    this.lookups = session.cache().stage();
  }

  /** A hash of all that decides a step's result, or enough of it. */
  @FunctionalInterface
  interface Key {
    String get() throws IOException, BuildException;
  }

  @FunctionalInterface
  interface LayerWork {
    Layer run(BuildProgress.Activity activity)
        throws IOException, BuildException, InterruptedException;
  }

  /**
   * How a step is found in the cache.
   *
   * @param keys cheap ones first
   * @param independent whether they do not depend on the steps before
   * @param readsAll whether making the layer reads what the keys need anyway, and costs little more
   * @param describe what they are made of
   */
  record Cached(List<Key> keys, boolean independent, boolean readsAll, Description describe) {}

  /** Tells what keys are made of. */
  @FunctionalInterface
  interface Description {
    void accept(StepInputs.Builder inputs) throws IOException, BuildException;
  }

  /** What looking a step up came to. */
  private record Search(List<String> tried, Lookup result) {}

  /** One step that makes a layer: from the cache, or by doing it. */
  void step(
      StageState state, Instruction instruction, String createdBy, Cached cached, LayerWork work)
      throws IOException, BuildException, InterruptedException {
    String text = StepProblems.oneLine(instruction.original());
    BuildProgress.Activity activity = start(text);
    try {
      String unknown = state.unknownSince();
      if (unknown != null && !cached.independent()) {
        unknown(state, text, activity, MissReason.earlierStep(unknown));
        return;
      }
      if (cached.readsAll() && !session.explaining() && isNew(instruction, text)) {
        // Made first, since its keys are then known from what was read for it.
        expectRun();
        Layer layer = work.run(activity);
        Search none = new Search(keys(cached), new Lookup.Unknown());
        StepInputs inputs = inputs(state, instruction, text, cached);
        lookups.missed();
        made(state, activity, text, createdBy, layer, none, inputs, missReason(none, inputs));
        return;
      }
      Search search = search(cached);
      if (search.result() instanceof Lookup.Hit hit) {
        StepInputs inputs =
            session.cache().wantsInputs(hit)
                ? inputs(state, instruction, text, cached)
                : StepInputs.of(name(instruction), text).build();
        CacheEntry entry = hit.entry().withKeys(search.tried());
        session.served(hit);
        session.cache().found(hit, entry, inputs);
        session.countCached();
        done(state, text, createdBy, entry);
        activity.finished(CacheResult.Hit, null, entry.asLayer());
        return;
      }
      lookups.missed();
      StepInputs inputs = inputs(state, instruction, text, cached);
      String reason = missReason(search, inputs);
      if (session.explaining()) {
        unknown(state, text, activity, reason);
        return;
      }
      if (!reason.equals(MissReason.FIRST) && !reason.equals(MissReason.CACHE_IS_OFF)) {
        activity.note("not cached: " + reason);
      }
      expectRun();
      made(state, activity, text, createdBy, work.run(activity), search, inputs, reason);
    } catch (IOException | BuildException | RuntimeException e) {
      activity.failed(e.getMessage());
      throw e;
    }
  }

  /** After a step that had to be done, a RUN of the stage will have to be too. */
  private void expectRun() {
    if (plan.instructions().stream().anyMatch(Instruction.Run.class::isInstance)) {
      session.expectSandbox();
    }
  }

  private BuildProgress.Activity start(String text) {
    return session.progress().step(plan.stepName(++step, text), text);
  }

  /** A step of which no more is known than that it would have to be done. */
  void unknown(StageState state, Instruction instruction, String reason) {
    String text = StepProblems.oneLine(instruction.original());
    unknown(state, text, start(text), reason);
  }

  private static void unknown(
      StageState state, String text, BuildProgress.Activity activity, String reason) {
    state.unknownSince(text);
    activity.finished(CacheResult.Miss, reason, null);
  }

  private void done(StageState state, String text, String createdBy, CacheEntry entry) {
    state.add(entry.asLayer(), text);
    // A fixed time is that of this build, whoever did the step.
    boolean fixed = session.imageTime().isPresent();
    state.config().step(createdBy, fixed ? session.historyTime() : entry.created());
  }

  /** Whether it is not worth asking the cache. */
  private boolean isNew(Instruction instruction, String text) {
    return !session.request().cache()
        || session.cache().isNew(StepInputs.of(name(instruction), text).build());
  }

  private String name(Instruction instruction) {
    String number = step < 10 ? "00" + step : step < 100 ? "0" + step : Integer.toString(step);
    return plan.stage().displayName() + "/" + number + " " + instruction.name();
  }

  private List<String> keys(Cached cached) throws IOException, BuildException {
    var keys = new ArrayList<String>();
    for (Key key : cached.keys()) {
      keys.add(compressed(key.get()));
    }
    return keys;
  }

  /** A step was done: keeps and tells what it came to. */
  private void made(
      StageState state,
      BuildProgress.Activity activity,
      String text,
      String createdBy,
      Layer layer,
      Search search,
      StepInputs inputs,
      String reason)
      throws IOException {
    CacheEntry entry = CacheEntry.of(layer, session.now()).withKeys(search.tried());
    session.cache().keep(entry, inputs);
    done(state, text, createdBy, entry);
    activity.finished(CacheResult.Miss, reason, entry.asLayer());
  }

  private Search search(Cached cached) throws IOException, BuildException {
    var tried = new ArrayList<String>();
    Lookup result = new Lookup.Unknown();
    for (Key key : cached.keys()) {
      tried.add(compressed(key.get()));
      if (session.request().cache()) {
        Lookup found = lookups.find(tried.getLast(), cached.independent());
        if (found instanceof Lookup.Hit) {
          return new Search(tried, found);
        }
        if (found instanceof Lookup.Gone) {
          result = found;
        }
      }
    }
    return new Search(tried, result);
  }

  /** A layer of another compression is another layer. */
  private String compressed(String key) {
    Compression compression = session.request().compression();
    return new KeyHash("compressed.1")
        .add(key)
        .add(compression.type().name())
        .number(compression.level())
        .hex();
  }

  private StepInputs inputs(StageState state, Instruction instruction, String text, Cached cached)
      throws IOException, BuildException {
    StepInputs.Builder inputs = StepInputs.of(name(instruction), text);
    if (!cached.independent()) {
      inputs.parent(state.parent());
    }
    inputs.setting("the compression", session.request().compression());
    session.sourceDateEpoch().ifPresent(time -> inputs.setting("SOURCE_DATE_EPOCH", time));
    cached.describe().accept(inputs);
    return inputs.build();
  }

  private String missReason(Search search, StepInputs inputs) {
    if (!session.request().cache()) {
      return MissReason.CACHE_IS_OFF;
    }
    return search.result() instanceof Lookup.Gone
        ? MissReason.LAYER_IS_GONE
        : session.cache().missReason(search.tried(), inputs);
  }
}
