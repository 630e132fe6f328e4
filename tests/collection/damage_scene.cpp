#include "collection/damage_scene.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "collection/store.hpp"
#include "sextant/wal/wal_reader.hpp"
#include "support/sim_crash.hpp"

namespace test_support {
namespace {

using namespace sextant;

void gather(SimDisk& disk, const std::string& directory, std::map<std::string, FileBytes>& files) {
    for (const auto& entry : disk.files().list(directory).value()) {
        const std::string inner = directory + "/" + entry.name;
        if (entry.is_directory) {
            gather(disk, inner, files);
        } else {
            files[inner] = read_whole(disk, inner).value();
        }
    }
}

/// Writes a collection in the way the scene wants it, and remembers each state.
template <class C>
class SceneWriter {
public:
    SceneWriter(SimDisk& disk, std::uint64_t salt, bool uuids) : files_(disk.files()), salt_(salt), uuids_(uuids) {
        files_.hooks = small_logs();
    }

    void open() {
        collection_.emplace(
            C::open(DamageScene::path, {.dimension = DamageScene::dimension}, inline_on(files_)).value());
    }
    void close() {
        collection_->close().value();
        collection_.reset();
    }
    [[nodiscard]] PointId id(std::uint64_t number) const {
        return uuids_ && number % 3 == 0 ? PointId::from_name(std::to_string(number)) : PointId{number};
    }
    void upsert(std::uint64_t number) {
        collection_->upsert(id(number), vector(), {{"n", number}, {"text", std::string(number % 7, 'x')}}).value();
        note();
    }
    void upsert_many(std::uint64_t first, std::uint64_t last) {
        WriteBatch batch;
        for (std::uint64_t number = first; number < last; ++number) batch.upsert(id(number), vector(), {{"n", number}});
        collection_->write(std::move(batch)).value();
        note();
    }
    void erase(std::uint64_t number) {
        collection_->erase(id(number)).value();
        note();
    }
    void set_payload(std::uint64_t number) {
        collection_->set_payload(id(number), {{"set", number + salt_}}).value();
        note();
    }
    void optimize() { collection_->optimize().value(); }

    std::map<std::uint64_t, Contents> moments = {};

private:
    std::vector<float> vector() { return seeded_vector(1000 * salt_ + ++vectors_, DamageScene::dimension); }
    void note() { moments[static_cast<std::uint64_t>(collection_->stats().value().version)] = contents(*collection_); }

    HookedFiles files_;
    std::uint64_t salt_;
    bool uuids_;
    std::uint64_t vectors_ = 0;
    std::optional<C> collection_;
};

/// Returns what was done to the disk, before anything is closed that should not be.
template <class C>
Recording write_scene(SimDisk& disk, bool closed, std::uint64_t salt, std::map<std::uint64_t, Contents>& moments) {
    const std::string path = DamageScene::path;
    SceneWriter<C> writer(disk, salt, !closed);
    writer.open();
    writer.upsert_many(1, 13);
    writer.close();
    put_file(disk, path + "/LOCK", FileBytes(8, std::byte{'7'}));
    writer.open();
    for (std::uint64_t number = 13; number < 22; ++number) writer.upsert(number);
    writer.optimize();  // the first log file is put aside
    for (const std::uint64_t number : {3U, 4U}) writer.erase(number);
    for (const std::uint64_t number : {6U, 7U}) writer.set_payload(number);
    writer.upsert(22);
    writer.upsert(8);
    writer.close();
    // What is healed is written anew by a checkpoint, which writes down what died and changed in it.
    for (const auto& [file, bytes] : all_files(disk, path)) {
        if (file.ends_with("/graph")) flip_byte(disk, file, bytes.size() / 2);
    }
    writer.open();
    writer.upsert(23);
    writer.upsert(9);
    writer.erase(1);
    writer.set_payload(6);
    writer.upsert_many(24, 27);
    writer.erase(25);
    writer.set_payload(23);
    writer.upsert(12);
    if (closed) writer.close();
    moments = writer.moments;
    return disk.recording();
}

void find_frames(DamageScene& scene) {
    SimDisk disk(scene.state);
    detail::WantedOptions wanted;
    wanted.metric = scene.closed ? MetricId::squared_l2 : MetricId::cosine;
    wanted.quantizer = scene.closed ? QuantizerId::none : QuantizerId::scalar8;
    OpenOptions open;
    open.files = &disk.files();
    open.mode = OpenMode::read_only;
    const auto store = detail::Store::open(DamageScene::path, wanted, open).value();
    scene.known = store->manifest().last;
    const auto add = [&](const format::WalFrame& frame, const std::string& path, std::uint64_t at) -> Result<void> {
        const std::uint64_t end = at + format::frame_size(frame.payload.size());
        scene.frames.push_back({path, at, end, frame.first + frame.count - 1, false});
        return {};
    };
    const WalEnd end = replay_wal(store->wal(), store->manifest().replay_from, OnWalDamage::fail, false, add).value();
    REQUIRE(end.clean == scene.closed);
    if (!scene.closed) return;
    const LiveFrame last = scene.frames.back();
    scene.frames.push_back({last.path, last.end, last.end + format::wal_frame_header_size, last.last, true});
}

/// All that lay under any name at any moment and does not now.
void find_older(const Recording& recording, DamageScene& scene) {
    CrashEnumerator moments(recording);
    for (std::size_t op = 0; op < moments.log_size(); ++op) {
        SimDisk disk = moments.kill_image(op);
        if (!disk.files().exists(DamageScene::path).value()) continue;
        for (auto& [path, bytes] : all_files(disk, DamageScene::path)) {
            const auto now = scene.files.find(path);
            if (now != scene.files.end() && now->second == bytes) continue;
            auto& known = scene.older[path];
            if (std::find(known.begin(), known.end(), bytes) == known.end()) known.push_back(std::move(bytes));
        }
    }
}

}  // namespace

/// Logs of one page, so that all of it can be tried.
FileHooks small_logs() {
    return {.before_allocate = [](const std::string& path, std::uint64_t size) -> std::optional<Error> {
        if (size <= 4096 || path.find("/wal/") == std::string::npos) return std::nullopt;
        return Error{ErrorCode::resource_exhausted, path + ": more than a page"};
    }};
}

std::string kind_of_file(const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name.ends_with(".wal")) return "log";
    if (name.ends_with(".old")) return "log, put aside";
    if (name.starts_with("MANIFEST-")) return "MANIFEST";
    if (name.starts_with("del-")) return "tombstones";
    if (name.starts_with("payload-")) return "changed payloads";
    return name;
}

std::map<std::string, FileBytes> all_files(SimDisk& disk, const std::string& directory) {
    std::map<std::string, FileBytes> files;
    gather(disk, directory, files);
    return files;
}

std::optional<FileBytes> read_whole(SimDisk& disk, const std::string& path) {
    const auto file = disk.files().open(path, FileMode::read);
    if (!file) return std::nullopt;
    FileBytes bytes(static_cast<std::size_t>((*file)->size().value()));
    read_exactly(**file, 0, bytes).value();
    return bytes;
}

void put_file(SimDisk& disk, const std::string& path, const FileBytes& bytes) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string directory = path.substr(0, slash);
        if (!disk.files().exists(directory).value()) disk.files().create_directory(directory).value();
    }
    const auto file = disk.files().open(path, FileMode::create).value();
    file->truncate(bytes.size()).value();
    file->write_at(0, bytes).value();
}

DamageScene DamageScene::make(bool closed, std::uint64_t salt) {
    SimDisk disk;
    DamageScene scene;
    scene.closed = closed;
    const Recording recording = closed ? write_scene<PlainCollection>(disk, closed, salt, scene.moments)
                                       : write_scene<CodedCollection>(disk, closed, salt, scene.moments);
    SimDisk image(CrashEnumerator(recording).kill_image(recording.ops.size() - 1));
    scene.state = image.recording().start;
    scene.files = all_files(image, path);
    find_frames(scene);
    find_older(recording, scene);
    return scene;
}

bool DamageScene::carries(const std::string& file, std::uint64_t at) const {
    const std::string kind = kind_of_file(file);
    if (kind == "LOCK" || kind == "reserve" || kind == "log, put aside") return false;
    if (kind != "log") return true;
    bool live = false;
    for (const LiveFrame& frame : frames) {
        if (frame.path != file) continue;
        live = true;
        if (at >= frame.begin && at < frame.end) return true;
    }
    // Its header. Behind the last frame there is nothing, before the first what is in segments already.
    return live && at < format::file_header_size;
}

}  // namespace test_support
