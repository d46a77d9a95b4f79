// Runs the program inside the test, on string streams, and provides files in a folder of its own.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace valleydrift::cli_test {

struct Result {
  int code;
  std::string out, err;
};

inline Result run_program(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {"valleydrift"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  const int code = cli::run(static_cast<int>(argv.size()), argv.data(), out, err);
  return {code, out.str(), err.str()};
}

/// A folder that is removed at the end.
class Folder {
 public:
  Folder() {
    static std::atomic<int> count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("valleydrift-cli-test-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The whole file.
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether xmllint accepts the file.
inline bool is_junit(const std::string& path) {
  const std::string command =
      "xmllint --noout --schema " VALLEYDRIFT_SOURCE_DIR "/tests/data/junit.xsd " + path + " 2> /dev/null";
  return std::system(command.c_str()) == 0;
}

}  // namespace valleydrift::cli_test
